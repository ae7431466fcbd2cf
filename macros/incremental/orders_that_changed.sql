{#-
    The SQL of one row per changed order, except lines without an order's number: `was_there` at the last build,
    `is_there` now, and `is_other` if its lines differ, and not only the day that decides whether they count.
-#}

{% macro orders_that_changed() %}
    select
        changed.order_id,
        max(case when last_orders.order_id is not null then 1 else 0 end) = 1 as was_there,
        max(case when orders.order_id is not null then 1 else 0 end) = 1 as is_there,
        max(case when changed.change_kind <> 'released' then 1 else 0 end) = 1 as is_other

    from {{ ref('int_changed_orders') }} as changed

    left join {{ ref('int_order_fingerprints') }} as orders
        on changed.order_id = orders.order_id

    left join {{ state_table('last_fingerprints') }} as last_orders
        on changed.order_id = last_orders.order_id

    where changed.order_id <> ''

    group by changed.order_id
{% endmacro %}
