with

lists as (

    select * from {{ ref('ml_recommendations__lists') }}

),

customers as (

    select * from {{ ref('feat_customers__numbers') }}

),

products as (

    select * from {{ ref('feat_products') }}
    where period_number = 0

),

pairs as (

    select * from {{ ref('feat_product_pairs') }}
    where period_number = 0

),

popularity as (

    select * from {{ ref('ml_products__popularity') }}
    where period_number = 0

),

rules as (

    select * from {{ ref('ml_rules__mined') }}
    where period_number = 0

),

customer_products as (

    select * from {{ ref('feat_customer_products') }}

),

-- Only products that most customers buy again are offered to customers who have them.
bought_before as (

    select
        customer_products.customer_number,
        products.product_number,
        customer_products.last_bought_date,
        products.repurchase_share

    from customer_products

    inner join products
        on
            customer_products.product_id = products.product_id
            and products.is_bought_again

    where customer_products.last_bought_date is not null

),

-- The segment, product or rule that each method's reason names.
supported as (

    select
        customers.customer_id,
        lists.place,
        products.product_id,
        products.product_label,
        lists.method,
        lists.is_filler,
        lists.rule_key,
        lists.link_count,
        bought_before.last_bought_date,
        bought_before.repurchase_share,
        bought_before.customer_number is not null as is_repurchase,
        rules.antecedent,
        rules.scope as rule_scope,
        because.product_label as because_label,
        case lists.method
            when 'rules' then rules.confidence
            when 'co_occurrence' then cast(lists.similarity_millionths as double) / 1000000
            else popularity.customer_share
        end as score,
        case lists.method
            when 'rules' then rules.lift
            when 'co_occurrence' then pairs.lift
            else popularity.lift
        end as expected_lift

    from lists

    inner join customers
        on lists.customer_number = customers.customer_number

    inner join products
        on lists.product_number = products.product_number

    left join rules
        on lists.rule_key = rules.rule_key

    left join pairs
        on
            lists.because_product_number = pairs.product_number
            and lists.product_number = pairs.other_product_number

    left join products as because
        on lists.because_product_number = because.product_number

    left join popularity
        on
            lists.product_number = popularity.product_number
            and lists.popularity_scope = popularity.scope

    left join bought_before
        on
            lists.customer_number = bought_before.customer_number
            and lists.product_number = bought_before.product_number

),

reasoned as (

    select
        *,
        case
            -- Other products are no reason for it: two products of the customer would name each other.
            when is_repurchase
                then concat(
                    'Bought before, last on ', cast(last_bought_date as {{ dbt.type_string() }}), ': ',
                    {{ percent_in_words('repurchase_share') }}, ' of its customers bought it again'
                )
            when method = 'rules'
                then concat(
                    'Bought ', antecedent, ': ', {{ percent_in_words('score') }}, ' of such baskets ',
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
        is_repurchase,
        rule_key,
        case when is_filler then concat('To fill the list. ', reason) else reason end as reason,
        cast(expected_lift as double) as expected_lift,
        cast(score as double) as score

    from reasoned

)

select * from recommendations
