-- What does each segment buy? An index of 1 is the average share of all customers; 2 is twice that share.

with

spent as (

    select
        segments.segment_name,
        category_shares.category,
        sum(category_shares.category_net_amount) as net_amount

    from {{ ref('fct_customer_category_shares') }} as category_shares

    inner join {{ ref('fct_segment_memberships') }} as memberships
        on
            category_shares.customer_id = memberships.customer_id
            and memberships.segmentation = 'behaviour'
            and memberships.is_current

    inner join {{ ref('dim_segments') }} as segments
        on memberships.segment_key = segments.segment_key

    group by segments.segment_name, category_shares.category

),

compared as (

    select
        *,
        cast(net_amount as double) / sum(cast(net_amount as double)) over (partition by segment_name)
            as segment_share,
        sum(cast(net_amount as double)) over (partition by category)
        / sum(cast(net_amount as double)) over () as overall_share

    from spent

)

select
    segment_name,
    category,
    segment_share,
    segment_share / overall_share as category_index

from compared

order by segment_name asc, category_index desc
