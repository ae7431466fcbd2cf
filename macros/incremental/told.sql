{#-
    What builds that passed told about each customer on their as-of date, for `rpt_restatements`. These tables are no models,
    because they change only when a build has passed: `int_state__told_days` has a row per day, `int_state__told` one per
    customer and day on which something differs from the customer's row before.
-#}

{#- The columns of `told`, after the customer and the day, and those of `told_days`: the type of each. -#}

{% macro told_columns() %}
    {%- set columns = {'segment_key': 'string', 'rfm_key': 'string', 'lifecycle_stage': 'string', 'clv_band': 'string'} -%}
    {%- for figure in sale_figures() -%}{%- do columns.update({figure: 'decimal(28, 4)'}) -%}{%- endfor -%}
    {{ return(dict(columns, returned_amount='decimal(28, 4)')) }}
{% endmacro %}


{% macro told_day_columns() %}
    {{ return({
        'as_of_date': 'date', 'source_name': 'string', 'build_id': 'string', 'configuration': 'string',
        'segment_version': 'int', 'value_fit': 'string'
    }) }}
{% endmacro %}


{#- Sums over a customer's orders that show whether one is late or corrected: the name of each and its SQL over `int_orders`. -#}

{% macro sale_figures() %}
    {{ return({
        'order_count': 'case when line_count > 0 then 1 else 0 end',
        'gross_amount': 'gross_amount',
        'discount_amount': 'discount_amount',
        'unit_count': 'unit_count',
        'line_count': 'line_count',
        'day_sum': 'case when line_count > 0 then ' ~ dbt.datediff("cast('2000-01-01' as date)", 'order_date', 'day') ~ ' else 0 end',
    }) }}
{% endmacro %}


{#- The SQL of the days that were told. -#}

{% macro told_days() %}
    {{ return(known_state('told_days', told_day_columns())) }}
{% endmacro %}


{#- The SQL of what was told on them. -#}

{% macro told_customers() %}
    {{ return(known_state('told', dict({'customer_id': 'string', 'as_of_date': 'date'}, **told_columns()))) }}
{% endmacro %}


{#- A state table, or a query without rows if there is none. -#}

{% macro known_state(name, columns) %}
    {%- if execute and target.type != 'spark' -%}
        {%- set table = state_table(name) -%}
        {%- if adapter.get_relation(table.database, table.schema, table.identifier) -%}{{ return(table) }}{%- endif -%}
    {%- endif -%}
    {%- set nulls = [] -%}
    {%- for column, type in columns.items() -%}{%- do nulls.append('cast(null as ' ~ type ~ ') as ' ~ column) -%}{%- endfor -%}
    {{ return('(select ' ~ nulls | join(', ') ~ ' where 1 = 0)') }}
{% endmacro %}


{#-
    Called when a build has passed: keeps what it tells about each customer today. A build of an earlier day than the last
    one is a replay, and one of a day that is still to come is a forecast: they tell nothing. Of days that no later build
    compares, only each customer's last row is kept.
-#}

{% macro keep_told() %}
    {%- set told, days = state_table('told'), state_table('told_days') -%}
    {%- set columns, day_columns = told_columns(), told_day_columns() -%}
    {%- set marts = generate_schema_name('marts', none) ~ '.' -%}
    {%- set ml = generate_schema_name('ml', none) ~ '.' -%}
    {%- set orders = intermediate_relation('int_orders') -%}
    {%- set source_name = text_literal(var('source').name) -%}
    {%- set sums = [] -%}
    {%- for figure, expression in sale_figures().items() -%}
        {%- do sums.append('sum(' ~ expression ~ ') as ' ~ figure) -%}
    {%- endfor -%}
    {%- set typed, typed_days = [], [] -%}
    {%- for column, type in columns.items() -%}{%- do typed.append(column ~ ' ' ~ type) -%}{%- endfor -%}
    {%- for column, type in day_columns.items() -%}{%- do typed_days.append(column ~ ' ' ~ type) -%}{%- endfor -%}
    {%- do run_query(
        "create table if not exists " ~ days ~ " (" ~ typed_days | join(', ') ~ "); "
        ~ "create table if not exists " ~ told ~ " (customer_id string, as_of_date date, " ~ typed | join(', ') ~ "); "
        ~ "begin; "
        ~ "delete from " ~ told ~ " where exists (select 1 from " ~ days ~ " where source_name <> " ~ source_name ~ "); "
        ~ "delete from " ~ days ~ " where source_name <> " ~ source_name ~ "; "
        ~ "commit"
    ) -%}
    {%- set row = run_query(
        "select cast(as_of_date as varchar), as_of_date <= cast('" ~ extract_date() ~ "' as date) and as_of_date >= coalesce(("
        ~ "select max(as_of_date) from " ~ days ~ "), as_of_date) from " ~ intermediate_relation('int_as_of_dates') ~ " where is_current"
    ).rows[0] -%}
    {%- if not row[1] -%}{{ return('') }}{%- endif -%}
    {%- set today = "date '" ~ row[0] ~ "'" -%}
    {%- set oldest = today ~ " - " ~ history_period_count() * var('comparison_days') -%}
    {%- do run_query(
        "begin; "
        ~ "delete from " ~ told ~ " where as_of_date >= " ~ today ~ "; "
        ~ "delete from " ~ days ~ " where as_of_date >= " ~ today ~ " or as_of_date < " ~ oldest ~ "; "
        ~ "insert into " ~ days ~ " (" ~ day_columns | join(', ') ~ ") select " ~ today ~ ", " ~ source_name ~ ", "
        ~ text_literal(invocation_id) ~ ", " ~ text_literal(build_configuration()) ~ ", "
        ~ "(select max(version) from " ~ ml ~ "ml_segmentation__in_force where segmentation = 'behaviour'), "
        ~ "(select md5(max(fitted_on)) from " ~ ml ~ "ml_clv__parameters); "
        ~ "delete from " ~ told ~ " using (select customer_id, max(as_of_date) as as_of_date from " ~ told
        ~ " where as_of_date <= " ~ oldest ~ " group by customer_id) as kept "
        ~ "where " ~ told ~ ".customer_id = kept.customer_id and " ~ told ~ ".as_of_date < kept.as_of_date; "
        ~ "insert into " ~ told ~ " (customer_id, as_of_date, " ~ columns | join(', ') ~ ") "
        ~ "with last_told as (select distinct on (customer_id) * from " ~ told ~ " order by customer_id, as_of_date desc), "
        ~ "sales as (select customer_id, " ~ sums | join(', ') ~ ", sum(matched_returned_amount + unmatched_returned_amount) as "
        ~ "returned_amount from " ~ orders ~ " where customer_id is not null group by customer_id), "
        ~ "memberships as (select customer_id, max(case when segmentation = 'behaviour' then segment_key end) as segment_key, "
        ~ "max(case when segmentation = 'rfm' then segment_key end) as rfm_key from " ~ marts
        ~ "fct_segment_memberships where is_current group by customer_id), "
        ~ "today as (select sales.*, memberships.segment_key, rfm_key, lifecycle_stage, clv_band from " ~ marts ~ "dim_customers "
        ~ "inner join sales using (customer_id) left join memberships using (customer_id) where has_bought) "
        ~ "select coalesce(today.customer_id, last_told.customer_id), " ~ today ~ ", today." ~ columns | join(', today.')
        ~ " from today full outer join last_told on today.customer_id = last_told.customer_id "
        ~ "where (today." ~ columns | join(', today.') ~ ") is distinct from (last_told." ~ columns | join(', last_told.') ~ "); "
        ~ "commit"
    ) -%}
{% endmacro %}


{#- What decides the figures of this build, as `told_days` has it of earlier ones; on Spark nothing is kept to compare. -#}

{% macro told_configuration() %}
    {{ return(text_literal(build_configuration() if execute and target.type != 'spark' else '')) }}
{% endmacro %}
