{#-
    Two means differ detectably, in a two-sided test at 5 % with 80 % power, from (t(0.975) + t(0.8)) * sd * sqrt(1/treated +
    1/control), and from z in place of t for needed sizes, which are large. List, Sadoff and Wagner (2011); docs/audiences.md.
-#}
{%- set z = 1.959963984540054 + 0.8416212335729143 %}
{%- set window_days = var('campaigns_window_days') %}
{%- set comparison_days = var('comparison_days') %}

with

audiences as (

    select * from {{ ref('dim_audiences') }}

),

members as (

    select * from {{ ref('fct_audience_members') }}
    where arm <> 'global_holdout'

),

rfm as (

    select * from {{ ref('fct_customer_rfm') }}

),

orders as (

    select * from {{ ref('fct_orders') }}
    where is_purchase and customer_id is not null

),

-- What customers did after the comparison day, by the group that they were in then.
followed as (

    select
        rfm.customer_id,
        rfm.previous_rfm_group as rfm_group,
        count(orders.order_id) as window_order_count,
        coalesce(sum(orders.net_amount), 0) as window_net_amount

    from rfm

    left join orders
        on
            rfm.customer_id = orders.customer_id
            and {{ dbt.dateadd('day', -comparison_days, 'rfm.as_of_date') }} < orders.order_date
            and {{ dbt.dateadd('day', window_days - comparison_days, 'rfm.as_of_date') }} >= orders.order_date

    -- A window that has not passed since tells nothing.
    where rfm.previous_rfm_group is not null and {{ window_days }} <= {{ comparison_days }}

    group by rfm.customer_id, rfm.previous_rfm_group

),

groups as (
    {% for metric, outcome in [('orders', 'window_order_count'), ('revenue', 'window_net_amount')] %}
    select
        '{{ metric }}' as metric,
        rfm_group,
        count(*) as group_count,
        avg(cast({{ outcome }} as double)) as group_mean,
        avg(cast({{ outcome }} as double) * cast({{ outcome }} as double)) as group_mean_square
    from followed
    group by rfm_group
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

metrics as (

    select 'orders' as metric
    union all
    select 'revenue' as metric

),

group_sizes as (

    select
        members.audience,
        rfm.rfm_group,
        count(*) as member_count

    from members

    inner join rfm
        on members.customer_id = rfm.customer_id

    group by members.audience, rfm.rfm_group

),

-- The mixture of the groups, each with its share of the audience.
mixed as (

    select
        audiences.audience,
        metrics.metric,
        max(audiences.customer_count) as customer_count,
        max(audiences.treated_count) as treated_count,
        max(audiences.control_count) as control_count,
        max(audiences.planned_holdout_share) as planned_holdout_share,
        coalesce(sum(groups.group_count), 0) as baseline_customer_count,
        sum(group_sizes.member_count * groups.group_mean)
        / sum(case when groups.group_mean is not null then group_sizes.member_count end) as baseline_mean,
        sum(group_sizes.member_count * groups.group_mean_square)
        / sum(case when groups.group_mean is not null then group_sizes.member_count end) as baseline_mean_square

    from audiences

    cross join metrics

    left join group_sizes
        on audiences.audience = group_sizes.audience

    left join groups
        on
            group_sizes.rfm_group = groups.rfm_group
            and metrics.metric = groups.metric

    group by audiences.audience, metrics.metric

),

spread as (

    select
        *,
        -- Rounded: the last digits of a sum of doubles depend on the order of rows.
        round(baseline_mean, 9) as mean,
        round(
            sqrt(case when baseline_mean_square > baseline_mean * baseline_mean then baseline_mean_square - baseline_mean * baseline_mean else baseline_mean * 0 end), 9
        ) as sd

    from mixed

),

-- Welch's degrees of freedom of two arms with the same spread: few of them in a small holdout.
freed as (

    select
        *,
        1e0 / nullif(treated_count, 0) + 1e0 / nullif(control_count, 0) as inverse_count,
        power(1e0 / nullif(treated_count, 0) + 1e0 / nullif(control_count, 0), 2) / (
            1e0 / nullif(treated_count, 0) / nullif(treated_count, 0) / nullif(treated_count - 1, 0)
            + 1e0 / nullif(control_count, 0) / nullif(control_count, 0) / nullif(control_count - 1, 0)
        ) as df

    from spread

),

detected as (

    select
        *,
        case when sd > 0 then round(({{ t_quantile('df') }} + {{ t_quantile('df', 0.8416212335729143) }}) * sd * sqrt(inverse_count), 6) end as effect,
        -- Each arm's share times the other's times the customers has to reach this for an effect of 10 %.
        case when mean > 0 and sd > 0 then power({{ z }} * sd / (0.1 * mean), 2) end as needed_product

    from freed

),

planned as (

    select
        audience,
        metric,
        cast({{ window_days }} as int) as window_days,
        customer_count,
        treated_count,
        control_count,
        cast(baseline_customer_count as int) as baseline_customer_count,
        mean as baseline_mean,
        sd as baseline_sd,
        effect as detectable_effect,
        round(effect / nullif(mean, 0), 9) as detectable_share,
        round(control_count * effect, 6) as holdout_forgone,
        case
            when customer_count >= 4 * needed_product
                then round(0.5 - sqrt(0.25 - needed_product / nullif(customer_count, 0)), 9)
        end as needed_holdout_share,
        cast(
            ceil(needed_product / nullif(planned_holdout_share * (1 - planned_holdout_share), 0)) as bigint
        ) as needed_customer_count

    from detected

)

select * from planned
