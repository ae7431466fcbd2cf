{#-
    The comparison of each segment with all other customers: the CTEs after `summed` of `fct_segment_profiles`, of which
    `profiles` is the last. `summed` has, for each of `keys`, the customers whose attribute is known, and the sums of its
    values and of their squares; the values of numbers are (x - centre) / reach, those of categories 0 and 1.
-#}

{% macro compared_segments(keys) %}
{#- The smallest count that a test needs, by Cochran's rule; a group with fewer is not tested. -#}
{%- set least = 5 %}
paired as (

    select
        *,
        kind in ('number', 'date') as is_mean,
        cast(known_count as double) as n,
        cast(sum(known_count) over (partition by segmentation, attribute, attribute_value) - known_count as double)
            as others_n,
        sum(total) over (partition by segmentation, attribute, attribute_value) - total as others_total,
        sum(square_total) over (partition by segmentation, attribute, attribute_value) - square_total as others_square_total
    from summed

),

means as (

    select
        *,
        total / nullif(n, 0) as mean,
        others_total / nullif(others_n, 0) as others_mean,
        (total + others_total) / nullif(n + others_n, 0) as all_mean,
        greatest(square_total - total * total / nullif(n, 0), 0) / nullif(n - 1, 0) / nullif(n, 0) as error_square,
        greatest(others_square_total - others_total * others_total / nullif(others_n, 0), 0)
        / nullif(others_n - 1, 0) / nullif(others_n, 0) as others_error_square
    from paired

),

spreads as (

    select
        *,
        mean - others_mean as scaled_difference,
        sqrt(greatest((square_total + others_square_total) / nullif(n + others_n, 0) - all_mean * all_mean, 0)) as spread,
        case
            when is_mean then n >= {{ least }} and others_n >= {{ least }}
            else least(n, others_n) * least(all_mean, 1 - all_mean) >= {{ least }}
        end as is_large,
        case
            when is_mean then sqrt(error_square + others_error_square)
            else sqrt(all_mean * (1 - all_mean) * (1 / nullif(n, 0) + 1 / nullif(others_n, 0)))
        end as error,
        power(error_square + others_error_square, 2)
        / nullif(power(error_square, 2) / (n - 1) + power(others_error_square, 2) / (others_n - 1), 0) as df,
        {{ wilson_bound('mean', 'nullif(n, 0)', '-') }} as low,
        {{ wilson_bound('mean', 'nullif(n, 0)', '+') }} as high,
        {{ wilson_bound('others_mean', 'nullif(others_n, 0)', '-') }} as others_low,
        {{ wilson_bound('others_mean', 'nullif(others_n, 0)', '+') }} as others_high
    from means

),

deviates as (

    select
        *,
        case when is_large and error > 1e-12 then abs(scaled_difference) / error end as deviate
    from spreads

),

normals as (

    select
        *,
        case when is_mean then {{ t_as_normal('deviate', 'df') }} else deviate end as z
    from deviates

),

tested as (

    select
        *,
        {{ two_sided_p('z', normal_t('z')) }} as p
    from normals

),

-- Holm (1979): the smallest of m probabilities is multiplied by m, the next by m - 1, and none is below the one before it.
stepped as (

    select
        *,
        p * (
            count(p) over (partition by segmentation) + 1
            - row_number() over (partition by segmentation order by p asc nulls last, {{ keys }})
        ) as stepped_p
    from tested

),

adjusted as (

    select
        *,
        case
            when p is not null then least(max(stepped_p) over (
                partition by segmentation order by p asc nulls last, {{ keys }}
                rows between unbounded preceding and current row
            ), 1)
        end as adjusted_p
    from stepped

),

profiles as (

    select
        segmentation,
        segment_key,
        as_of_date,
        attribute,
        attribute_value,
        kind,
        is_sensitive,
        is_feature,
        cast(customer_count as int) as segment_customer_count,
        cast(known_count as int) as known_count,
        cast(others_n as int) as others_known_count,
        round(1 - n / customer_count, 9) as unknown_share,
        round(mean * reach + centre, 9) as segment_value,
        round(others_mean * reach + centre, 9) as others_value,
        round(scaled_difference * reach, 9) as difference,
        round(case
            when not is_mean
                then scaled_difference - sqrt(power(mean - low, 2) + power(others_high - others_mean, 2))
            when n >= {{ least }} and others_n >= {{ least }}
                then (scaled_difference - {{ t_quantile('df') }} * error) * reach
        end, 9) as difference_low,
        round(case
            when not is_mean
                then scaled_difference + sqrt(power(high - mean, 2) + power(others_mean - others_low, 2))
            when n >= {{ least }} and others_n >= {{ least }}
                then (scaled_difference + {{ t_quantile('df') }} * error) * reach
        end, 9) as difference_high,
        round(scaled_difference / case when spread > 1e-9 then spread end, 6) as standardised_difference,
        round(p, 12) as p_value,
        round(adjusted_p, 12) as p_value_adjusted,
        coalesce(adjusted_p <= 0.05, false) as is_different,
        cast(row_number() over (
            partition by segment_key
            order by
                case when adjusted_p <= 0.05 then 0 else 1 end,
                round(abs(scaled_difference / case when spread > 1e-9 then spread end), 6) desc nulls last,
                attribute asc,
                attribute_value asc
        ) as int) as profile_rank
    from adjusted

)
{% endmacro %}
