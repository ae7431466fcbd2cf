{#-
    Checks a table in one pass: the rules that stand on its columns in the YAML, under `config: {meta: {checks: [...]}}`,
    and its key, which no two rows share and which has no nulls. Returns a row per broken rule: the rule, its column, how
    many rows (or keys) break it, and up to three keys of such rows. `report_broken_checks` prints them after a run.

    Rules with `level: warn` are left to a second node of the table, which has the argument `level: warn` and the config
    `severity: warn`; its `key` names rows only.
    `key_where` is a condition that limits the search for repeated keys, where a table is too large for all of them.
    One node checks a whole table because every node costs dbt about 75 ms, whatever its SQL takes.
-#}

{% test checks(model, key=none, level='error', key_where=none) %}

{%- set row_key = described_key(key) if key else "''" %}
{%- set tests_key = key and level == 'error' %}
{%- set rules = [] %}
{%- if tests_key %}
    {%- set is_null = (key | join(' is null or ')) ~ ' is null' %}
    {%- do rules.append({'number': 0, 'name': 'key: unique and not null', 'column': key | join(', '), 'is_broken': is_null}) %}
{%- endif %}
{%- for rule in checks_of(model, level) %}
    {%- do rules.append(dict(rule, number=loop.index)) %}
{%- endfor %}

with

{%- if tests_key %}
{#- Keys are looked for by their hash, which is half the work of grouping by texts; only equal hashes are compared. #}
repeated_hashes as (

    select {{ row_hash(key) }} as key_hash
    from {{ model }}
    {{ 'where ' ~ key_where if key_where }}
    group by 1
    having count(*) > 1

),

repeated_keys as (

    select {{ row_key }} as row_key

    from {{ model }} as checked

    where
        {{ row_hash(key) }} in (select repeated_hashes.key_hash from repeated_hashes)
        {{ 'and ' ~ key_where if key_where }}

    group by {{ key | join(', ') }}

    having count(*) > 1

),
{%- endif %}

broken_rules as (
    {%- if rules %}

    select
        rules.rule_number,
        {{ row_key }} as row_key

    from {{ model }} as checked

    cross join (
        values {% for rule in rules %}({{ rule.number }}){{ ', ' if not loop.last }}{% endfor %}
    ) as rules (rule_number)

    where
        {#- Rows that break no rule are cheap: one condition, without a look at single rules. #}
        (
            {%- for rule in rules %}
            {{ 'or ' if not loop.first }}({{ rule.is_broken }})
            {%- endfor %}
        )
        and case rules.rule_number
            {%- for rule in rules %}
            when {{ rule.number }} then ({{ rule.is_broken }})
            {%- endfor %}
        end
    {%- endif %}
    {%- if tests_key %}

    union all

    select
        0 as rule_number,
        row_key
    from repeated_keys
    {%- endif %}

),

numbered as (

    select
        rule_number,
        row_key,
        row_number() over (partition by rule_number order by row_key) as example_number

    from broken_rules

)

select
    case rule_number
        {%- for rule in rules %}
        when {{ rule.number }} then {{ dbt.string_literal(dbt.escape_single_quotes(rule.name)) }}
        {%- endfor %}
    end as broken_rule,
    case rule_number
        {%- for rule in rules %}
        when {{ rule.number }} then '{{ rule.column }}'
        {%- endfor %}
    end as column_name,
    count(*) as failures,
    concat_ws(
        '; '
        {%- for number in (1, 2, 3) %},
        max(case when example_number = {{ number }} then row_key end)
        {%- endfor %}
    ) as example_keys

from numbered

group by rule_number

{% endtest %}
