{%- set measures = behaviour_measures() | list -%}

with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}
    where is_current

),

features as (

    select * from {{ ref('fct_customer_features') }}

),

words as (

    select * from {{ ref('driver_words') }}

),

-- The sum of decimals does not depend on the order of rows. Squares are of doubles, because Spark cuts products of
-- decimals.
customers as (

    select
        memberships.segmentation,
        memberships.segment_key,
        memberships.as_of_date,
        {% for measure in measures %}
        cast(features.{{ measure }} as decimal(28, 9)) as {{ measure }},
        cast(ln(1 + cast(greatest(features.{{ measure }}, 0) as double)) as decimal(28, 9)) as log_{{ measure }},
        cast(power(ln(1 + cast(greatest(features.{{ measure }}, 0) as double)), 2) as decimal(28, 9))
            as square_{{ measure }},
        {% endfor %}
        features.customer_id

    from memberships

    inner join features
        on memberships.customer_id = features.customer_id

),

summed as (

    select
        segmentation,
        segment_key,
        min(as_of_date) as as_of_date,
        {% for measure in measures %}
        cast(sum({{ measure }}) as double) as {{ measure }},
        cast(sum(log_{{ measure }}) as double) as log_{{ measure }},
        cast(sum(square_{{ measure }}) as double) as square_{{ measure }},
        {% endfor %}
        count(*) as customer_count

    from customers

    group by segmentation, segment_key

),

measured as (
    {% for measure in measures %}

    select
        segmentation,
        segment_key,
        as_of_date,
        '{{ measure }}' as measure,
        customer_count,
        {{ measure }} as total,
        log_{{ measure }} as log_total,
        square_{{ measure }} as square_total
    from summed
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

compared as (

    select
        *,
        sum(customer_count) over (partition by segmentation, measure) as all_count,
        sum(total) over (partition by segmentation, measure) - total as rest_total,
        sum(log_total) over (partition by segmentation, measure) - log_total as rest_log_total,
        sum(square_total) over (partition by segmentation, measure) as all_square_total

    from measured

),

means as (

    select
        segmentation,
        segment_key,
        as_of_date,
        measure,
        total / customer_count as segment_mean,
        rest_total / nullif(all_count - customer_count, 0) as others_mean,
        log_total / customer_count as log_mean,
        rest_log_total / nullif(all_count - customer_count, 0) as rest_log_mean,
        -- Pooled within the segment and the rest. Below a thousandth it is a rounding error.
        sqrt(greatest(
            all_square_total / all_count
            - (
                log_total * log_total / customer_count
                + rest_log_total * rest_log_total / nullif(all_count - customer_count, 0)
            ) / all_count,
            0
        )) as spread

    from compared

),

differences as (

    select
        segmentation,
        segment_key,
        as_of_date,
        measure,
        round(segment_mean, 6) as segment_mean,
        round(others_mean, 6) as others_mean,
        round(segment_mean / nullif(others_mean, 0), 6) as ratio,
        coalesce(
            round(case when spread > 1e-3 then (log_mean - rest_log_mean) / spread end, 6), 0
        ) as standardised_difference

    from means

),

ranked as (

    select
        differences.*,
        row_number() over (
            partition by differences.segment_key
            order by abs(differences.standardised_difference) desc, differences.measure asc
        ) as driver_rank,
        concat(
            coalesce(words.words_before, concat(replace(differences.measure, '_', ' '), ' is')),
            ' ',
            case
                when coalesce(differences.ratio, 100) >= 99.95 then 'over 99x '
                when differences.ratio < 0.05 then 'less than 0.1x '
                else concat(cast(cast(round(differences.ratio, 1) as decimal(8, 1)) as string), 'x ')
            end,
            coalesce(words.words_after, 'that of other customers')
        ) as driver

    from differences

    left join words
        on differences.measure = words.measure

),

drivers as (

    select
        segmentation,
        segment_key,
        as_of_date,
        measure,
        cast(driver_rank as int) as driver_rank,
        segment_mean,
        others_mean,
        ratio,
        standardised_difference,
        driver

    from ranked

)

select * from drivers
