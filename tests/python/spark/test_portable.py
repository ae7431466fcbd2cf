"""The dispatched macros, and the SQL that models use as it is, mean the same on both engines."""

import hashlib
import json
import os

import pytest
import yaml
from conftest import PROJECT
from dbt.cli.main import dbtRunner

# name: (an expression in SQL and Jinja, its value as text)
CASES = {
    # macros/portable
    **{
        f"day {day} of a week that starts on a Monday": (
            f"{{{{ is_weekend(\"cast('2024-01-0{day}' as date)\") }}}}",
            str(day >= 6).lower(),
        )
        for day in range(1, 8)
    },
    "a pattern with a backslash": (
        "{{ matches(\"'A1.5'\", text_literal('^[A-Z]\\\\d+\\\\.\\\\d$')) }}",
        "true",
    ),
    "a dot that is escaped is a dot": (
        "{{ matches(\"'A1x5'\", text_literal('^A1\\\\.5$')) }}",
        "false",
    ),
    "the last microsecond of a block of time": (
        "{{ time_block(\"cast('1970-01-02 00:59:59.999999' as timestamp)\", 30) }}",
        "49",
    ),
    "the first microsecond of a block of time": (
        "{{ time_block(\"cast('1970-01-02 01:00:00' as timestamp)\", 30) }}",
        "50",
    ),
    "a pattern may match a part": ("{{ matches(\"'TEST001'\", \"'ST0'\") }}", "true"),
    "a pattern with an apostrophe": (
        "{{ matches(text_literal(\"it's\"), text_literal(\"t's$\")) }}",
        "true",
    ),
    "a quoted name is a column, and a text in it stays": (
        "(select {{ quoted_names('concat(\"a b\", \\'\"c\"\\')') }} "
        "from (select 'x' as {{ adapter.quote('a b') }}) as t)",
        'x"c"',
    ),
    **{
        f"{second} is the person {first}": (
            f"{{{{ same_person(\"'{first}'\") }}}} = {{{{ same_person(\"'{second}'\") }}}}",
            str(is_same).lower(),
        )
        for first, second, is_same in [
            ("Ann  B", "ann b", True),
            ("ann\u00a0b ", "ann b", True),
            ("Zo\u00cb", "zoe\u0308", True),
            ("12013.0", "12013", True),
            ("1201.5", "1201", False),
            ("Stra\u00dfe", "Strasse", False),
            ("zoe", "zo\u00eb", False),
        ]
    },
    "nothing matches null": ("{{ matches('cast(null as string)', \"'a'\") }}", None),
    "a text of quotes, percents and backslashes": (
        "{{ text_literal('it\\'s \"100%\" \\\\n é') }}",
        "it's \"100%\" \\n é",
    ),
    "a text of a JSON array": (
        "(select {{ each_json_text(text_literal('[\"TIN, \\\\\"A\\\\\" é\"]')) }} as item)",
        'TIN, "A" é',
    ),
    **{
        f"hashes of {text}": (
            f"{{{{ row_hash({first}) }}}} = {{{{ row_hash({second}) }}}}",
            str(first == second).lower(),
        )
        for text, first, second in [
            ("equal rows", ["'a'", "'b'"], ["'a'", "'b'"]),
            ("columns in another order", ["'a'", "'b'"], ["'b'", "'a'"]),
            ("a null and an empty text", ["'a'", "cast(null as string)"], ["'a'", "''"]),
        ]
    },
    "every day over a leap day, both ends included": (
        "(select concat_ws(' ', count(distinct day), min(day), max(day)) from (select "
        "{{ each_day(\"cast('2024-02-27' as date)\", \"cast('2024-03-02' as date)\") }} as day"
        ") as t)",
        "5 2024-02-27 2024-03-02",
    ),
    "one day": (
        "(select concat_ws(' ', count(*), max(day)) from (select "
        "{{ each_day(\"cast('2024-02-27' as date)\", \"cast('2024-02-27' as date)\") }} as day"
        ") as t)",
        "1 2024-02-27",
    ),
    **{
        f"{local} in {zone}": (
            f"{{{{ to_utc(\"cast('2024-{local}' as timestamp)\", '{zone}') }}}}",
            f"2024-{utc}",
        )
        for zone, local, utc in [
            ("UTC", "06-01 12:00:00", "06-01 12:00:00"),
            ("Europe/London", "01-15 12:00:00", "01-15 12:00:00"),
            ("Europe/London", "07-15 12:00:00", "07-15 11:00:00"),
            ("America/New_York", "01-15 20:00:00", "01-16 01:00:00"),
            ("Asia/Kolkata", "01-15 03:00:00", "01-14 21:30:00"),
            # Clocks go back: 01:30 comes twice; the second counts.
            ("Europe/London", "10-27 01:30:00", "10-27 01:30:00"),
            ("Europe/London", "10-27 00:30:00", "10-26 23:30:00"),
            ("Europe/London", "10-27 02:30:00", "10-27 02:30:00"),
            ("America/New_York", "11-03 01:15:00", "11-03 06:15:00"),
            # Clocks go forward: 01:30 does not exist.
            ("Europe/London", "03-31 01:30:00", "03-31 01:30:00"),
            ("America/New_York", "03-10 02:30:00", "03-10 07:30:00"),
        ]
    },
    **{
        f"{text!r} as a timestamp": (f"{{{{ try_timestamp(\"'{text}'\") }}}}", expected)
        for text, expected in {
            "2010-12-01 08:26:00": "2010-12-01 08:26:00",
            "2010-12-01T08:26": "2010-12-01 08:26:00",
            " 2010-12-01 ": "2010-12-01 00:00:00",
            "2010/12/01 3:4": "2010-12-01 03:04:00",
            "2010-12-01T08:26:00Z": "2010-12-01 08:26:00",
            "2010-12-01 08:26:00+02:00": "2010-12-01 06:26:00",
            "2010-12-01T08:26:00.250-05:00": "2010-12-01 13:26:00.25",
            "2010-02-30": None,
            "12/1/2010 8:26": None,
            "08:26:00": None,
            "2010": None,
            "yesterday": None,
            "": None,
        }.items()
    },
    "a date as a timestamp": (
        "{{ try_timestamp(\"cast('2010-12-01' as date)\") }}",
        "2010-12-01 00:00:00",
    ),
    "a timestamp as a timestamp": (
        "{{ try_timestamp(\"cast('2010-12-01 08:26:00' as timestamp)\") }}",
        "2010-12-01 08:26:00",
    ),
    # Words of reviews
    **{
        f"words of {text!r}": (
            f"(select cast({{{{ words_of('said') }}}} as string) from "
            f"(select {{{{ text_literal({text!r}) }}}} as said) as t)",
            words,
        )
        for text, words in {
            "It isn't a 2nd-hand CUP": "[it, is, not, a, nd, hand, cup]",
            "Dont, can\u2019t and cannot want": "[do, not, ca, not, and, can, not, want]",
            "Größe, Zoë & naïve": "[größe, zoë, and, naïve]".replace(" and,", ""),
            "质量好 OK": "[质, 量, 好, ok]",
            "かわいい": "[か, わ, い, い]",
            "хорошее качество": "[хорошее, качество]",
            "5/5 :-)": "[]",
        }.items()
    },
    **{
        f"terms of {text!r}": (
            f"(select cast(array_sort({{{{ terms_of('words') }}}}) as string) from "
            f"(select {{{{ words_of(text_literal({text!r})) }}}} as words) as t)",
            terms,
        )
        for text, terms in {
            "not very good tea": "[good, good tea, not, not good, not tea, not very, tea, very, "
                                 "very good]",
            "never again": "[again, never, never again, not again]",
            "tea tea": "[tea, tea tea]",
            "not": "[not]",
            "不好": "[不, 不 好, 好]",
        }.items()
    },
    **{
        f"{text!r} redacted": (
            f"(select {{{{ redacted('said', 'shown') }}}} from (select "
            f"{{{{ text_literal({text!r}) }}}} as said, "
            f"{{{{ words_of(text_literal({shown!r})) }}}} as shown) as t)",
            said,
        )
        for text, shown, said in [
            ("Ask Ann, at ann@mail.example!", "ask at", "Ask …, at …"),
            ("Call 020 7946 0123 now.", "call now", "Call … now."),
            ("See www.shop.example or https://a.b", "see or", "See … or …"),
            ("It broke on day 3", "it broke on day", "It broke on day …"),
            ("Ann Lee Smith smiled", "smiled", "… smiled"),
        ]
    },
    # What models use as it is
    "nulls last": (
        "(select max(case when n = 3 then x end) from (select x, row_number() over "
        "(order by x nulls last) as n from (select 1 as x union all select null union all "
        "select 2) as t) as u)",
        None,
    ),
    "a division by nothing": ("1.0 / nullif(0, 0)", None),
    "a division of whole numbers": ("7 / 2", "3.5"),
    "natural logarithm": ("cast(ln(100.0) as decimal(9, 6))", "4.605170"),
    "halves are rounded away from zero": (
        "concat_ws(' ', cast(round(cast(0.5 as double)) as int), "
        "cast(round(cast(2.5 as double)) as int), cast(round(cast(-2.5 as double)) as int))",
        "1 3 -3",
    ),
    "decimals are rounded half away from zero": (
        "concat_ws(' ', cast(cast(0.12345 as decimal(9, 5)) as decimal(9, 4)), "
        "cast(cast(-0.12345 as decimal(9, 5)) as decimal(9, 4)))",
        "0.1235 -0.1235",
    ),
    "whole parts are cut by floor": ("cast(floor(cast(2.9 as double)) as int)", "2"),
    "a product of decimals keeps its digits": (
        "cast(cast(1.234 as decimal(18, 3)) * cast(2.3456 as decimal(18, 4)) as decimal(18, 4))",
        "2.8945",
    ),
    "a number too large for its type": ("try_cast('1e30' as decimal(18, 4))", None),
    "no number": ("try_cast('12abc' as decimal(18, 4))", None),
    "a number with blanks": ("try_cast(' 12 ' as decimal(18, 4))", "12.0000"),
    "a hash": ("md5('Zoë')", hashlib.md5("Zoë".encode()).hexdigest()),
    "days between": ("{{ dbt.datediff(\"cast('2024-02-28' as date)\", "
                     "\"cast('2024-03-01' as date)\", 'day') }}", "2"),
    "days before": ("cast({{ dbt.dateadd('day', -90, \"cast('2024-03-01' as date)\") }} as date)",
                    "2023-12-02"),
    "months between": ("{{ dbt.datediff(\"cast('2023-12-01' as date)\", "
                       "\"cast('2024-02-01' as date)\", 'month') }}", "2"),
    "last of a month": ("{{ dbt.last_day(\"cast('2024-02-10' as date)\", 'month') }}",
                        "2024-02-29"),
    "first of a month": ("cast(date_trunc('month', cast('2024-02-29' as date)) as date)",
                         "2024-02-01"),
    "letters of any kind in order": ("case when 'Z' < 'a' and 'z' < 'é' then 1 else 0 end", "1"),
}  # fmt: skip


@pytest.fixture(scope="module")
def values(tmp_path_factory, spark_target):
    """Return the value of every case on each engine, a query for all."""
    folder = tmp_path_factory.mktemp("portable")
    (folder / "macros").mkdir()
    selected = ",\n".join(
        f"cast({expression} as string) as case_{n}"
        for n, (expression, _) in enumerate(CASES.values())
    )
    (folder / "macros" / "cases.sql").write_text(
        "{% macro cases() %}{% set query %}select " + selected + "{% endset %}"
        "{% set row = run_query(query).rows[0].values() | list %}"
        "{% do log('VALUES ' ~ tojson(row | map('string') | list), info=true) %}{% endmacro %}"
    )
    (folder / "dbt_project.yml").write_text(
        yaml.safe_dump(
            {
                "name": "clientele",
                "profile": "clientele",
                "macro-paths": [str(PROJECT / "macros"), "macros"],
                "vars": {"source": None, "data": None},
            }
        )
    )
    found = {}
    os.environ["CLIENTELE_DB"] = str(folder / "portable.duckdb")
    for target in ("duckdb", spark_target):
        said = []
        result = dbtRunner(callbacks=[lambda e, said=said: said.append(e.info.msg)]).invoke(
            ["run-operation", "cases", "--target", target, "--log-level-file", "none"]
            + ["--project-dir", str(folder), "--profiles-dir", str(PROJECT)]
        )
        os.chdir(PROJECT)
        assert result.success, said[-3:]
        text = next(message for message in said if "VALUES [" in message)
        row = json.loads(text[text.index("VALUES [") + 7 :])
        found[target] = dict(zip(CASES, row, strict=True))
    return found


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_value_on_both_engines(values, case, engine):
    expected = CASES[case][1]
    assert values[engine][case] == ("None" if expected is None else expected)
