{#-
    Checks a table in one pass: the rules that stand on its columns in the YAML, under `config: {meta: {checks: [...]}}`,
    and its key, which no two rows share and which has no nulls. Returns a row per broken rule: the rule, its column, how
    many rows (or keys) break it, and up to three keys of such rows. `report_broken_checks` prints them after a run.

    Rules with `level: warn` are left to a second node of the table, which has the argument `level: warn` and the config
    `severity: warn`; its `key` names rows only.
    One node checks a whole table because every node costs dbt about 75 ms, whatever its SQL takes.
-#}

{% test checks(model, key=none, level='error') %}

{%- set rules = checks_of(model, level) %}
{%- set row_key = described_key(key) if key else "''" %}
{%- set tests_key = key and level == 'error' %}

with

broken_rules as (
    {%- if rules %}

    select
        rules.rule_number,
        {{ row_key }} as row_key

    from {{ model }} as checked

    cross join (
        values {% for rule in rules %}({{ loop.index }}){{ ', ' if not loop.last }}{% endfor %}
    ) as rules (rule_number)

    where
        {#- Cheap for the rows that break nothing: one condition, and no look at the rules. #}
        (
            {%- for rule in rules %}
            {{ 'or ' if not loop.first }}({{ rule.is_broken }})
            {%- endfor %}
        )
        and case rules.rule_number
            {%- for rule in rules %}
            when {{ loop.index }} then ({{ rule.is_broken }})
            {%- endfor %}
        end
    {%- endif %}
    {%- if rules and tests_key %}

    union all
    {%- endif %}
    {%- if tests_key %}

    select
        0 as rule_number,
        {{ row_key }} as row_key

    from {{ model }}

    group by {{ key | join(', ') }}

    having
        count(*) > 1
        {%- for column in key %}
        or {{ column }} is null
        {%- endfor %}
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
        when 0 then 'key: unique and not null'
        {%- for rule in rules %}
        when {{ loop.index }} then {{ dbt.string_literal(dbt.escape_single_quotes(rule.name)) }}
        {%- endfor %}
    end as broken_rule,
    case rule_number
        when 0 then '{{ (key or []) | join(', ') }}'
        {%- for rule in rules %}
        when {{ loop.index }} then '{{ rule.column }}'
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
