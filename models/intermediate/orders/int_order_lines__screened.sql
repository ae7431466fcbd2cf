{{ config(materialized=continued_table(), incremental_strategy='touched') }}

{%- set keeps_repeats = var('source').get('tables', {}).get('order_lines', {}).get('repeated_lines') == 'keep' -%}

{#- A build that continues the last one screens only the lines of changed orders. Staging is read three times below,
    because a CTE would be kept in memory as a whole. -#}
{%- set order_lines = lines_of_persons() -%}
{%- if is_incremental() -%}
    {%- set order_lines = '(select * from ' ~ order_lines ~ ' where ' ~ is_touched('changed order', 'order_id') ~ ')' -%}
{%- endif -%}

{#- Two lines are duplicates if all of these columns are equal. -#}
{%- set content = canonical_columns('order_lines') | map(attribute='name') | list %}

with

product_codes as (

    select * from {{ ref('int_product_codes') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

-- Only lines that may share order and product are numbered: a window over all lines costs several times as much. Lines
-- that share the hash but not both columns are rare. They are in separate partitions, so they all get the number 1.
repeated as (

    select {{ row_hash(['order_id', 'product_id']) }} as pair_hash

    from {{ order_lines }}

    group by {{ row_hash(['order_id', 'product_id']) }}

    having count(*) > 1

),

numbered as (

    select
        order_lines.*,
        row_number() over (
            partition by order_lines.order_id, order_lines.product_id
            order by {{ content | join(' nulls last, ') }} nulls last
        ) as line_number,
        -- Equal lines share a rank, which is the number of the first of them.
        rank() over (
            partition by order_lines.order_id, order_lines.product_id
            order by {{ content | join(' nulls last, ') }} nulls last
        ) as content_rank

    from {{ order_lines }} as order_lines

    inner join repeated
        on {{ row_hash(['order_lines.order_id', 'order_lines.product_id']) }} = repeated.pair_hash

    union all

    select
        order_lines.*,
        1 as line_number,
        1 as content_rank

    from {{ order_lines }} as order_lines

    -- `not exists` would cost twice as much in DuckDB, because the compared values are expressions.
    left join repeated
        on {{ row_hash(['order_lines.order_id', 'order_lines.product_id']) }} = repeated.pair_hash

    where repeated.pair_hash is null

),

screened as (

    select
        numbered.order_id,
        numbered.product_id,
        cast(numbered.line_number as int) as line_number,
        numbered.customer_id,
        numbered.ordered_at,
        cast(numbered.ordered_at as date) as order_date,
        numbered.currency,
        numbered.exclude_reason,
        {{ line_amount('numbered') }} as raw_amount,
        coalesce(numbered.discount_amount, 0) as raw_discount_amount,
        coalesce(numbered.refunded_amount, 0) as raw_refunded_amount,
        {{ signed_quantity('numbered') }} as quantity,
        {{ in_source_currency('abs(' ~ unit_price('numbered') ~ ')') }} as unit_price,
        cast(
            sign({{ signed_quantity('numbered') }}) * abs({{ in_source_currency(line_amount('numbered')) }})
            as decimal(18, 4)
        ) as amount,
        {{ in_source_currency('coalesce(numbered.discount_amount, 0)') }} as discount_amount,
        {{ in_source_currency('coalesce(numbered.refunded_amount, 0)') }} as refunded_amount,
        {{ in_source_currency('numbered.unit_cost') }} as unit_cost,
        numbered.product_name,
        numbered.category,
        numbered.channel,
        numbered.country,
        numbered.promotion_id,
        case
            {{ value_reasons('numbered') }}
            {%- if not keeps_repeats %}
            when numbered.line_number > numbered.content_rank then 'duplicate'
            {%- endif %}
            when
                cast(numbered.ordered_at as date) > cast({{ dbt.string_literal(extract_date()) }} as date)
                then 'future_date'
            {%- if var('as_of_date') %}
            when cast(numbered.ordered_at as date) > as_of.as_of_date then 'after_as_of_date'
            {%- endif %}
            {{ kind_reasons('numbered') }}
            {#- A line that may not decide which day is today keeps its own reason. #}
            when cast(numbered.ordered_at as date) > as_of.as_of_date then 'after_as_of_date'
        end as reject_reason

    from numbered

    cross join as_of

    left join product_codes
        on numbered.product_id = product_codes.product_id

)

select * from screened
