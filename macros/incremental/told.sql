{#-
    What earlier builds that passed told of each customer on their as-of date. `int_state__told` has a row where something
    differs from the customer's row before; `int_state__told_days` has a row per day.
-#}

{#- The SQL of the days that were told: as_of_date, build_id, configuration. None if there are none. -#}

{% macro told_days() %}
    {{ return(known_state('told_days')) }}
{% endmacro %}


{#- The SQL of what was told. None if nothing was. -#}

{% macro told_customers() %}
    {{ return(known_state('told')) }}
{% endmacro %}


{% macro known_state(name) %}
    {%- if not execute or target.type == 'spark' -%}{{ return(none) }}{%- endif -%}
    {%- set table = state_table(name) -%}
    {{ return(table if adapter.get_relation(table.database, table.schema, table.identifier) else none) }}
{% endmacro %}


{#-
    Called when a build has passed: keeps what it tells of each customer today. A build of an earlier day than the last one
    is a replay and tells nothing new. What no later build can compare with is removed.
-#}

{% macro keep_told() %}
    {%- set told, days = state_table('told'), state_table('told_days') -%}
    {%- set measures = ['segment_key', 'rfm_group', 'lifecycle_stage', 'clv_band', 'segment_version', 'order_count', 'net_amount', 'returned_amount'] -%}
    {%- do run_query(
        "create table if not exists " ~ days ~ " (as_of_date date, build_id varchar, configuration varchar); "
        ~ "create table if not exists " ~ told ~ " (customer_id varchar, as_of_date date, segment_key varchar, rfm_group varchar, "
        ~ "lifecycle_stage varchar, clv_band varchar, segment_version integer, order_count integer, net_amount decimal(18, 4), "
        ~ "returned_amount decimal(18, 4))"
    ) -%}
    {%- set row = run_query(
        "select cast(as_of_date as varchar), as_of_date >= coalesce((select max(as_of_date) from " ~ days ~ "), as_of_date) from "
        ~ intermediate_relation('int_as_of_dates') ~ " where is_current"
    ).rows[0] -%}
    {%- if not row[1] -%}{{ return('') }}{%- endif -%}
    {%- set today = "date '" ~ row[0] ~ "'" -%}
    {%- set oldest = today ~ " - " ~ history_period_count() * var('comparison_days') -%}
    {%- set dims = api.Relation.create(database=target.database, schema=generate_schema_name('marts', none), identifier='dim_customers') -%}
    {%- set standing = api.Relation.create(database=target.database, schema=generate_schema_name('ml', none), identifier='ml_customers__standing') -%}
    {%- do run_query(
        "begin; "
        ~ "delete from " ~ told ~ " where as_of_date >= " ~ today ~ "; "
        ~ "delete from " ~ days ~ " where as_of_date >= " ~ today ~ " or as_of_date < " ~ oldest ~ "; "
        ~ "insert into " ~ days ~ " values (" ~ today ~ ", " ~ text_literal(invocation_id) ~ ", " ~ text_literal(build_configuration()) ~ "); "
        ~ "delete from " ~ told ~ " using (select customer_id, max(as_of_date) as as_of_date from " ~ told
        ~ " where as_of_date <= " ~ oldest ~ " group by customer_id) as kept "
        ~ "where " ~ told ~ ".customer_id = kept.customer_id and " ~ told ~ ".as_of_date < kept.as_of_date; "
        ~ "insert into " ~ told ~ " "
        ~ "with last_told as (select distinct on (customer_id) * from " ~ told ~ " order by customer_id, as_of_date desc), "
        ~ "today as (select standing.*, dims.clv_band from " ~ standing ~ " as standing "
        ~ "left join " ~ dims ~ " as dims on standing.customer_id = dims.customer_id where standing.is_current) "
        ~ "select coalesce(today.customer_id, last_told.customer_id), " ~ today ~ ", today." ~ measures | join(', today.')
        ~ " from today full outer join last_told on today.customer_id = last_told.customer_id "
        ~ "where (today." ~ measures | join(', today.') ~ ") is distinct from (last_told." ~ measures | join(', last_told.') ~ "); "
        ~ "commit"
    ) -%}
{% endmacro %}
