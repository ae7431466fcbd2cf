{{ config(enabled=has_identities(), materialized='table') }}
{%- set kinds = ['loyalty_card', 'email', 'phone', 'name', 'postcode', 'device'] -%}
{%- set of_lines, of_customers = identity_columns('order_lines'), identity_columns('customers') %}

with

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

-- A guest's order is a record, and so is a customer. Later days say nothing.
ordered as (

    select
        {%- for kind in kinds %}
        {{ 'order_lines.match_' ~ kind if kind in of_lines else 'cast(null as string)' }} as {{ kind }},
        {%- endfor %}
        order_lines.customer_id,
        case when order_lines.customer_id is null then order_lines.order_id end as order_id,
        min(order_lines.ordered_at) as first_at

    from {{ ref('stg_order_lines') }} as order_lines

    cross join as_of

    where
        order_lines.reject_reason is null
        and order_lines.ordered_at >= cast({{ dbt.string_literal(var('earliest_order_date')) }} as timestamp)
        and cast(order_lines.ordered_at as date) <= as_of.as_of_date
        {%- if not of_lines %}
        and order_lines.customer_id is not null
        {%- endif %}

    group by
        order_lines.customer_id,
        {%- for kind in kinds if kind in of_lines %}
        order_lines.match_{{ kind }},
        {%- endfor %}
        case when order_lines.customer_id is null then order_lines.order_id end

),

gathered as (

    select * from ordered
    where customer_id is not null
    {%- if of_lines %}

    union all

    -- Only the first line of an order may have them.
    select
        {%- for kind in kinds %}
        min({{ kind }}) as {{ kind }},
        {%- endfor %}
        customer_id,
        order_id,
        min(first_at) as first_at

    from ordered

    where customer_id is null and order_id is not null

    group by customer_id, order_id
    {%- endif %}
    {%- if lists_customers() %}

    union all

    select distinct
        {%- for kind in kinds %}
        {{ 'match_' ~ kind if kind in of_customers else 'cast(null as string)' }} as {{ kind }},
        {%- endfor %}
        customer_id,
        cast(null as string) as order_id,
        cast(null as timestamp) as first_at

    from {{ ref('stg_customers') }}

    where customer_id is not null
    {%- endif %}

),

normalised as (

    select
        {%- for kind in kinds %}
        {{ normalised(kind, kind) }} as {{ kind }},
        {%- endfor %}
        customer_id,
        order_id,
        first_at

    from gathered

),

usable as (

    select
        {%- for kind in kinds %}
        {{ usable(kind, kind) }} as {{ kind }},
        {%- endfor %}
        customer_id,
        order_id,
        first_at

    from normalised

),

-- People of one household share a telephone or a device: where names are known, they must agree. A name of one word is
-- no whole one.
keyed as (

    select
        customer_id,
        order_id,
        first_at,
        loyalty_card,
        email,
        case
            when phone is not null and name is not null then concat(phone, ' ', split_part(name, ' ', 1))
            else phone
        end as phone,
        case when name like '% %' and postcode is not null then concat(name, ' ', postcode) end as name_postcode,
        case
            when device is not null and name is not null then concat(device, ' ', split_part(name, ' ', 1))
            else device
        end as device

    from usable

),

-- Guests with the same identifiers are one record, named after its first order.
named as (

    select
        *,
        coalesce(
            customer_id,
            concat('guest-order ', first_value(order_id) over (
                partition by customer_id, loyalty_card, email, phone, name_postcode, device
                order by first_at, order_id
                rows between unbounded preceding and unbounded following
            ))
        ) as record_id

    from keyed

    where
        customer_id is not null
        or coalesce(loyalty_card, email, phone, name_postcode, device) is not null

)

select
    md5(concat(
        record_id
        {%- for column in ['order_id', 'first_at', 'loyalty_card', 'email', 'phone', 'name_postcode', 'device'] %},
        '|', coalesce(cast({{ column }} as string), '')
        {%- endfor %}
    )) as row_id,
    *

from named
