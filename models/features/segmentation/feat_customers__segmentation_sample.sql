with
{{ attribute_ctes() }}
behaviour as (

    select * from {{ ref('feat_customers__behaviour') }}

),

as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}
    where period_number in (0, {{ var('forward_periods') }})

),

scores as (

    select * from {{ ref('feat_customers__rfm_scores') }}

),

forward as (

    select * from {{ ref('feat_customers__forward') }}

),

-- By hash of the key: every build on every engine takes the same customers.
ranked as (

    select
        behaviour.*,
        as_of_dates.period_number as sampled_period_number,
        row_number() over (
            partition by behaviour.as_of_date
            order by md5(behaviour.customer_id), behaviour.customer_id
        ) as sample_rank

    from behaviour

    inner join as_of_dates
        on behaviour.as_of_date = as_of_dates.as_of_date

),

sampled as (

    select
        ranked.customer_id,
        ranked.as_of_date,
        ranked.sampled_period_number as period_number,
        {% for measure in segmentation_measures() if measure not in attribute_features() %}
        cast(greatest(ranked.{{ measure }}, 0) as double) as {{ measure }},
        {% endfor %}
        {{ attribute_values() }}
        scores.segment_key as rfm_segment_key,
        cast(forward.forward_amount as double) as forward_amount,
        forward.forward_order_count

    from ranked

    inner join scores
        on
            ranked.customer_id = scores.customer_id
            and ranked.as_of_date = scores.as_of_date

    left join forward
        on
            ranked.customer_id = forward.customer_id
            and ranked.as_of_date = forward.as_of_date

    {{ attribute_joins('ranked') }}
    where ranked.sample_rank <= {{ var('segmentation_sample_size') }}

)

select * from sampled
