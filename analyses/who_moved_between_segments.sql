-- Which customers moved between behaviour segments in the last period, and what did they pay before and after?

with

migrations as (

    select
        migrations.*,
        max(migrations.to_as_of_date) over () as last_date

    from {{ ref('fct_segment_migrations') }} as migrations

    where migrations.segmentation = 'behaviour'

),

segments as (

    select * from {{ ref('dim_segments') }}

)

select
    coalesce(earlier.segment_name, '(not yet a customer)') as from_segment,
    coalesce(later.segment_name, '(no longer a customer)') as to_segment,
    migrations.customer_count,
    migrations.net_amount_before,
    migrations.net_amount_after

from migrations

left join segments as earlier
    on migrations.from_segment_key = earlier.segment_key

left join segments as later
    on migrations.to_segment_key = later.segment_key

where
    migrations.is_move
    and migrations.to_as_of_date = migrations.last_date

order by migrations.net_amount_before desc, from_segment asc, to_segment asc
