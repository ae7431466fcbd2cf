{#-
    CTEs with the orders (`sold`) and the matched returns (`returned`) of customers up to a day. `customer_days` is a CTE
    with the customers and their days (customer_id, as_of_date).
-#}

{% macro sales_to_date(customer_days) %}
sold as (

    select
        wanted.customer_id,
        wanted.as_of_date,
        {%- for figure in sale_figures() %}
        sum(sales.{{ figure }}) as {{ figure }},
        {%- endfor %}
        sum(sales.unmatched_amount) as unmatched_amount

    from {{ customer_days }} as wanted

    inner join (
        select
            customer_id,
            order_date,
            {%- for figure, expression in sale_figures().items() %}
            {{ expression }} as {{ figure }},
            {%- endfor %}
            unmatched_returned_amount as unmatched_amount
        from {{ ref('int_orders') }}
    ) as sales
        on
            wanted.customer_id = sales.customer_id
            and wanted.as_of_date >= sales.order_date

    group by wanted.customer_id, wanted.as_of_date

),

returned as (

    select
        wanted.customer_id,
        wanted.as_of_date,
        sum(matched_returns.returned_amount) as matched_amount

    from {{ customer_days }} as wanted

    inner join {{ ref('int_returns') }} as matched_returns
        on
            wanted.customer_id = matched_returns.customer_id
            and wanted.as_of_date >= matched_returns.return_date
            and not matched_returns.is_reversal

    group by wanted.customer_id, wanted.as_of_date

)
{%- endmacro %}
