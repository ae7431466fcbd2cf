{#-
    The sums of `campaign_sums_by_customer` for campaigns that assigned all their customers on one day: what each customer
    bought is then added up from the days alone, for all campaigns of the block together, and their members are read once.
-#}

{% macro campaign_sums_on_one_day(block) %}
{%- set day = "cast('" ~ block['day'] ~ "' as date)" -%}
bought as (

    select
        customer_id
        {%- for metric, value in {'orders': 'order_count', 'revenue': 'net_amount', 'margin': 'margin_amount'}.items() %},
        -- Null instead of zero: what is null costs no addition.
        cast(sum(case when order_date >= {{ day }} then {{ value }} end) as decimal(18, 4)) as {{ metric }}_after,
        cast(sum(case when order_date < {{ day }} then {{ value }} end) as decimal(18, 4)) as {{ metric }}_before
        {%- endfor %}

    from {{ ref('feat_customer_days') }}

    where
        order_date >= {{ dbt.dateadd('day', -var('campaigns_covariate_days'), day) }}
        and order_date < {{ dbt.dateadd('day', block['window_days'], day) }}

    group by customer_id

),

active as (

    select
        campaign_id,
        arm,
        segment,
        earlier_orders,
        min(case when is_control then 1 else 0 end) as is_control,
        min(case when is_randomised then 1 else 0 end) as is_randomised,
        count(*) as customer_count,
        sum(cost) as cost_amount,
        {{ campaign_sums() }}

    from (
        select
            members.campaign_id,
            members.arm,
            coalesce(members.segment, '') as segment,
            members.is_control,
            members.is_randomised,
            members.cost,
            case
                when coalesce(bought.orders_before, 0) = 0 then 'none' when bought.orders_before = 1 then 'one' else 'several'
            end as earlier_orders,
            {%- for metric in ['orders', 'revenue', 'margin'] %}
            bought.{{ metric }}_after,
            bought.{{ metric }}_before,
            {%- endfor %}
            case when bought.orders_after > 0 then 1e0 end as conversion_after,
            case when bought.orders_before > 0 then 1e0 end as conversion_before

        from {{ ref('int_campaign_members') }} as members

        left join bought
            on members.customer_id = bought.customer_id

        where {{ is_in_block('members.campaign_id', block) }}
    ) as customers

    group by campaign_id, arm, segment, earlier_orders

),

arms as (

    select
        campaign_id,
        arm,
        segment,
        min(is_control) = 1 as is_control,
        min(is_randomised) = 1 as is_randomised,
        {{ day }} as first_date,
        {{ day }} as last_date,
        sum(customer_count) as customer_count,
        sum(cost_amount) as cost_amount

    from active

    group by campaign_id, arm, segment

)
{% endmacro %}
