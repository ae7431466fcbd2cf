with

members as (

    select * from {{ ref('fct_audience_members') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_dates') }}
    where is_current

),

-- As the files in `audiences/` say.
audiences as (
    {% for audience in audiences()['audiences'] %}
    select
        {{ text_literal(audience['name']) }} as audience,
        {{ text_literal(audience['description']) }} as description,
        {{ text_literal(audience['condition']) }} as condition,
        {{ text_literal(audience['order_by']) }} as order_by,
        {{ text_literal(audience['after'] | join(', ')) }} as after_audiences,
        {{ text_literal(audience['channel']) }} as channel,
        {{ 'null' if audience['cap'] is none else audience['cap'] | int }} as contact_cap,
        {{ 'null' if audience['budget'] is none else audience['budget'] }} as budget_amount,
        {{ 'null' if audience['cost_per_contact'] is none else audience['cost_per_contact'] }} as contact_cost_amount,
        {{ audience['holdout_share'] }} as planned_holdout_share,
        {{ audience['rest_days'] | int }} as rest_days
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as string) as audience,
        cast(null as string) as description,
        cast(null as string) as condition,
        cast(null as string) as order_by,
        cast(null as string) as after_audiences,
        cast(null as string) as channel,
        null as contact_cap,
        null as budget_amount,
        null as contact_cost_amount,
        null as planned_holdout_share,
        null as rest_days
    where 1 = 0
    {%- endfor %}

),

sizes as (

    select
        audience,
        sum(case when arm <> 'global_holdout' then 1 else 0 end) as customer_count,
        sum(case when arm = 'treated' then 1 else 0 end) as treated_count,
        sum(case when arm = 'control' then 1 else 0 end) as control_count,
        sum(case when arm = 'global_holdout' then 1 else 0 end) as global_holdout_count,
        -- Rounded: the last digits of a sum of doubles depend on the order of rows.
        round(sum(case when arm <> 'global_holdout' then value end), 4) as value

    from members

    group by audience

),

described as (

    select
        audiences.audience,
        as_of.as_of_date,
        audiences.description,
        audiences.condition,
        audiences.order_by,
        audiences.after_audiences,
        audiences.channel,
        cast(audiences.contact_cap as int) as contact_cap,
        cast(audiences.budget_amount as decimal(18, 4)) as budget_amount,
        cast(audiences.contact_cost_amount as decimal(18, 4)) as contact_cost_amount,
        cast(audiences.planned_holdout_share as double) as planned_holdout_share,
        cast(audiences.rest_days as int) as rest_days,
        cast(coalesce(sizes.customer_count, 0) as int) as customer_count,
        cast(coalesce(sizes.treated_count, 0) as int) as treated_count,
        cast(coalesce(sizes.control_count, 0) as int) as control_count,
        cast(coalesce(sizes.global_holdout_count, 0) as int) as global_holdout_count,
        coalesce(sizes.customer_count, 0) = 0 as is_empty,
        cast(coalesce(sizes.value, 0) as double) as value,
        cast(coalesce(sizes.treated_count, 0) * audiences.contact_cost_amount as decimal(18, 4)) as campaign_cost_amount

    from audiences

    cross join as_of

    left join sizes
        on audiences.audience = sizes.audience

)

select * from described
