{%- set settings = recommendation_settings() -%}

with

candidates as (

    select * from {{ ref('ml_recommendations__candidates') }}
    where period = 'whole'

),

preferences as (

    select * from {{ ref('ml_recommendations__preferences') }}

),

backtests as (

    select * from {{ ref('ml_recommendations__backtests') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where period = 'whole'

),

rules as (

    select * from {{ ref('ml_rules__mined') }}
    where period_number = 0

),

-- Where nothing could be tested yet, the usual order of the methods stands.
chosen as (

    select
        coalesce(
            max(case when is_chosen then method end),
            '{{ settings.pinned or settings.methods[0] }}'
        ) as method

    from backtests

),

offers as (

    select
        candidates.*,
        'today' as listing,
        candidates.method <> chosen.method as is_filler,
        case when candidates.method = chosen.method then 0 else preferences.preference end as method_preference

    from candidates

    inner join preferences
        on candidates.method = preferences.method

    cross join chosen

),

{{ filled_lists() }},

-- What the reason of each method speaks of.
supported as (

    select
        filled.customer_id,
        filled.place,
        filled.product_id,
        products.product_label,
        filled.method,
        filled.is_filler,
        filled.rule_key,
        filled.score,
        filled.link_count,
        rules.antecedent,
        rules.scope as rule_scope,
        rules.confidence,
        because.product_label as because_label,
        filled.expected_lift

    from filled

    inner join products
        on filled.product_id = products.product_id

    left join rules
        on filled.rule_key = rules.rule_key

    left join products as because
        on filled.because_product_number = because.product_number

    where filled.place <= {{ settings.count }}

),

reasoned as (

    select
        *,
        case
            when method = 'rules'
                then concat(
                    'Bought ', antecedent, ': ', {{ percent_in_words('confidence') }}, ' of such baskets ',
                    case when rule_scope = 'all' then 'hold ' else 'of their segment hold ' end,
                    product_label, ', ', {{ times_in_words('expected_lift') }}, ' times chance'
                )
            when method = 'co_occurrence'
                then concat(
                    'Bought ', because_label,
                    case
                        when link_count = 2 then ' and another product that goes with it'
                        when link_count > 2
                            then concat(' and ', cast(link_count - 1 as {{ dbt.type_string() }}), ' more products that go with it')
                        else ''
                    end,
                    ': who has ', because_label, ' has ', product_label, ' ',
                    {{ times_in_words('expected_lift') }}, ' times as often as chance'
                )
            when method = 'segment_popularity'
                then concat(
                    'Popular in their segment: ', {{ percent_in_words('score') }}, ' have bought it, against ',
                    {{ percent_in_words('score / expected_lift') }}, ' of all customers'
                )
            else concat(
                'Popular: ', {{ percent_in_words('score') }}, ' of all customers bought it within ',
                '{{ var('recommendations_popularity_days') }} days'
            )
        end as reason

    from supported

),

recommendations as (

    select
        customer_id,
        cast(place as int) as rank,
        product_id,
        product_label,
        method,
        is_filler,
        rule_key,
        case when is_filler then concat('To fill the list. ', reason) else reason end as reason,
        cast(expected_lift as double) as expected_lift,
        cast(score as double) as score

    from reasoned

)

select * from recommendations
