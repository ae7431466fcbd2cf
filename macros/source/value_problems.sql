{#- Problems of values in the first 100,000 rows: no value of a column can be read as its type, all times are
implausibly early (03/01/19 reads as the year 3), or times have a zone. -#}

{% macro value_problems(name, location, place) %}
    {%- set mapping = mapping_of(name) -%}
    {%- set typed = [] -%}
    {%- for column in canonical_columns(name) if column['type'] != 'string' and mapping.get(column['name']) is not none -%}
        {%- do typed.append(column) -%}
    {%- endfor -%}
    {%- if not typed -%}{{ return([]) }}{%- endif -%}
    {%- set zone = text_literal(':[0-9]{2}([.][0-9]+)? *(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') -%}
    {%- set query -%}
        select
            {%- for column in typed %}
            count({{ mapped_value(mapping[column['name']]) }}) as given_{{ loop.index }},
            {%- set value = canonical_value(name, mapping[column['name']], column) %}
            {%- if column['type'] == 'timestamp' %}
            count(case when {{ value }} >= {{ dbt.string_literal(var('earliest_order_date')) }} then 1 end) as read_{{ loop.index }},
            {%- else %}
            count({{ value }}) as read_{{ loop.index }},
            {%- endif %}
            {%- if column['type'] == 'timestamp' %}
            count(case when {{ matches('cast(' ~ mapped_value(mapping[column['name']]) ~ ' as string)', zone) }} then 1 end)
            {%- else %}
            0
            {%- endif %} as zoned_{{ loop.index }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from (select * from {{ location }} limit 100000) as head
    {%- endset -%}
    {%- set counts = run_query(query).rows[0] -%}
    {%- set problems = [] -%}
    {%- for column in typed -%}
        {%- set given = counts[3 * loop.index0] | int -%}
        {%- if counts[3 * loop.index0 + 1] | int == 0 and (given > 0 or column['required']) -%}
            {%- do problems.append("`" ~ name ~ "`: " ~ mapping[column['name']] ~ " for `" ~ column['name'] ~ "` in " ~ place
                ~ " has " ~ given ~ " values and none reads as a " ~ column['kind']
                ~ "; map another column, or convert it with {expression: ...}.") -%}
        {%- elif counts[3 * loop.index0 + 2] | int > 0 and to_utc('x', var('source')['timezone']) | trim != 'x' -%}
            {%- do problems.append(own_zone(name, mapping[column['name']])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{#- The message for times that are not local times of the source. -#}

{% macro own_zone(name, mapped) %}
    {{- "`" ~ name ~ "`: column '" ~ mapped ~ "' carries its own time zone; set `timezone: UTC`." -}}
{% endmacro %}
