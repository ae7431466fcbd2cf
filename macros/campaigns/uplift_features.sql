{#-
    What uplift may depend on: the name of each feature and its SQL over a relation with the measures of
    `behaviour_measures`, one row per customer. The fit reads them as of the day before a campaign, scores as of today.
-#}

{% macro uplift_features(behaviour) %}
    {%- set features = {
        'x_has_no_order': "case when " ~ behaviour ~ ".frequency is null then 1e0 else 0e0 end",
        'x_is_single_order': "case when " ~ behaviour ~ ".frequency = 1 then 1e0 else 0e0 end",
    } -%}
    {%- for measure in ['frequency', 'recency_days', 'tenure_days', 'recent_order_count', 'monetary', 'discount_share'] -%}
        {%- do features.update({
            'x_log_' ~ measure: "coalesce(ln(1 + greatest(cast(" ~ behaviour ~ "." ~ measure ~ " as double), 0)), 0)"
        }) -%}
    {%- endfor -%}
    {{ return(features) }}
{% endmacro %}


{#- The customer's cell of orders and time since the last one, in words. -#}

{% macro uplift_segment(behaviour) -%}
    case
        when {{ behaviour }}.frequency is null then 'no order'
        else concat(
            case
                when {{ behaviour }}.frequency = 1 then 'one order'
                when {{ behaviour }}.frequency <= 3 then '2 or 3 orders'
                else '4 orders or more'
            end,
            case
                when {{ behaviour }}.recency_days <= {{ var('lifecycle_active_days') }} then ', active'
                when {{ behaviour }}.recency_days <= {{ var('lifecycle_lapsed_days') }} then ', lapsing'
                else ', lapsed'
            end
        )
    end
{%- endmacro %}
