{#- The sums of `feat_campaign_cells` for a block of campaigns. Each customer of each campaign counts. -#}

{% macro campaign_cells(block) %}
with

{{ campaign_sums_on_one_day(block) if block.get('day') else campaign_sums_by_customer(block) }},

campaigns as (

    select
        campaign_id,
        {{ campaign_window('campaign_id') }} as window_days,
        min(first_date) as first_date,
        max(last_date) as last_date

    from arms

    group by campaign_id

),

-- Those who neither bought before nor after.
silent as (

    select
        arms.campaign_id,
        arms.arm,
        arms.segment,
        'none' as earlier_orders,
        min(arms.customer_count) - coalesce(sum(active.customer_count), 0) as customer_count
        {%- for metric in campaign_metrics() %},
        0e0 as {{ metric }}_y, 0e0 as {{ metric }}_yy, 0e0 as {{ metric }}_x, 0e0 as {{ metric }}_xx, 0e0 as {{ metric }}_xy
        {%- endfor %}

    from arms

    left join active
        on
            arms.campaign_id = active.campaign_id
            and arms.arm = active.arm
            and arms.segment = active.segment

    group by arms.campaign_id, arms.arm, arms.segment

),

cells as (

    select
        campaign_id,
        arm,
        segment,
        earlier_orders,
        sum(customer_count) as customer_count
        {%- for metric in campaign_metrics() %}
        {%- for part in ['y', 'yy', 'x', 'xx', 'xy'] %},
        coalesce(sum({{ metric }}_{{ part }}), 0e0) as {{ metric }}_{{ part }}
        {%- endfor %}
        {%- endfor %}

    from (
        select
            campaign_id, arm, segment, earlier_orders, customer_count
            {%- for metric in campaign_metrics() %}{% for part in ['y', 'yy', 'x', 'xx', 'xy'] %}, {{ metric }}_{{ part }}{% endfor %}{% endfor %}

        from active

        union all

        select * from silent
    ) as both_kinds

    group by campaign_id, arm, segment, earlier_orders

)

select
    cells.*,
    arms.is_control,
    arms.is_randomised,
    arms.first_date,
    arms.last_date,
    -- Of the arm in the segment, on one row of them.
    case when cells.earlier_orders = 'none' then arms.cost_amount end as cost_amount,
    campaigns.window_days

from cells

inner join arms
    on
        cells.campaign_id = arms.campaign_id
        and cells.arm = arms.arm
        and cells.segment = arms.segment

inner join campaigns
    on cells.campaign_id = campaigns.campaign_id
{% endmacro %}


{#- Adds the blocks after the first: one statement after another needs the memory of one block. -#}

{% macro insert_campaign_cells() %}
    {%- for block in campaign_blocks()[1:] %}
    insert into {{ this }}
    {{ campaign_cells(block) }};
    {%- endfor %}
{% endmacro %}
