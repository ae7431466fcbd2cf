{#-
    Numbers and dates are compared by their means, the values of categories by their shares: a share is the mean of 0 and 1.
    docs/methods/profiles.md has the formulas.
-#}
{{ config(enabled=has_customer_attributes()) }}
{%- set used = attribute_features().values() | map(attribute='attribute') | list %}
{%- set keys = 'segmentation, segment_key, attribute, attribute_value' %}

with

memberships as (

    select * from {{ ref('fct_segment_memberships') }}
    where is_current

),

attributes as (

    select * from {{ ref('int_customer_attributes') }}
    where status = 'known'

),

-- A date after today was not known today. A date counts as the days since then.
known as (

    select
        memberships.segmentation,
        memberships.segment_key,
        memberships.as_of_date,
        attributes.attribute,
        attributes.kind,
        attributes.is_sensitive,
        attributes.text_value,
        case
            when attributes.kind = 'number' then attributes.number_value
            else cast({{ dbt.datediff('attributes.date_value', 'memberships.as_of_date', 'day') }} as double)
        end as number_value

    from memberships

    inner join attributes
        on memberships.customer_id = attributes.customer_id

    where attributes.date_value is null or attributes.date_value <= memberships.as_of_date

),

-- Where numbers lie, so that their squares stay small. The sum of decimals does not depend on the order of rows.
centres as (

    select
        segmentation,
        attribute,
        cast(sum(cast(number_value as decimal(28, 9))) as double) / count(*) as centre,
        greatest(max(number_value) - min(number_value), 1e-9) as reach
    from known
    where kind in ('number', 'date')
    group by segmentation, attribute

),

-- The most frequent values of each category; all others are one.
frequent as (

    select
        segmentation,
        attribute,
        text_value,
        row_number() over (partition by segmentation, attribute order by count(*) desc, text_value asc) as place,
        count(*) over (partition by segmentation, attribute) as value_count
    from known
    where kind = 'category'
    group by segmentation, attribute, text_value

),

placed as (

    select
        known.*,
        centres.centre,
        centres.reach,
        case
            when known.kind in ('number', 'date') then 'mean'
            when known.kind = 'yes_no' or frequent.place <= {{ var('attribute_values') }} then known.text_value
            else 'other values'
        end as attribute_value,
        coalesce(frequent.place = 1 and frequent.value_count = 2, false) as is_mirrored,
        cast((known.number_value - centres.centre) / centres.reach as decimal(28, 15)) as scaled

    from known

    left join centres
        on known.segmentation = centres.segmentation and known.attribute = centres.attribute

    left join frequent
        on
            known.segmentation = frequent.segmentation
            and known.attribute = frequent.attribute
            and known.text_value = frequent.text_value

),

cells as (

    select
        segmentation,
        segment_key,
        attribute,
        attribute_value,
        count(*) as cell_count,
        cast(sum(scaled) as double) as scaled_total,
        cast(sum(cast(cast(scaled as double) * cast(scaled as double) as decimal(28, 15))) as double) as square_total
    from placed
    group by segmentation, segment_key, attribute, attribute_value

),

-- What is compared: of yes and no, the share of yes, and of two values that of the rarer one. The other says the same.
compared_values as (

    select
        segmentation,
        attribute,
        attribute_value,
        kind,
        is_sensitive,
        max(coalesce(centre, 0)) as centre,
        max(coalesce(reach, 1)) as reach
    from placed
    where (kind <> 'yes_no' or attribute_value = 'yes') and not is_mirrored
    group by segmentation, attribute, attribute_value, kind, is_sensitive

),

known_counts as (

    select
        segmentation,
        segment_key,
        attribute,
        count(*) as known_count
    from known
    group by segmentation, segment_key, attribute

),

segments as (

    select
        segmentation,
        segment_key,
        min(as_of_date) as as_of_date,
        count(*) as customer_count
    from memberships
    group by segmentation, segment_key

),

-- Also the values that no customer of the segment has.
summed as (

    select
        segments.*,
        compared_values.attribute,
        compared_values.attribute_value,
        compared_values.kind,
        compared_values.is_sensitive,
        compared_values.centre,
        compared_values.reach,
        {{ "segments.segmentation = 'behaviour' and compared_values.attribute in ('" ~ used | join("', '") ~ "')" if used else 'false' }}
            as is_feature,
        coalesce(known_counts.known_count, 0) as known_count,
        coalesce(case when compared_values.kind in ('number', 'date') then cells.scaled_total else cells.cell_count end, 0) as total,
        coalesce(case when compared_values.kind in ('number', 'date') then cells.square_total else cells.cell_count end, 0) as square_total

    from segments

    inner join compared_values
        on segments.segmentation = compared_values.segmentation

    left join known_counts
        on
            segments.segment_key = known_counts.segment_key
            and compared_values.attribute = known_counts.attribute

    left join cells
        on
            segments.segment_key = cells.segment_key
            and compared_values.attribute = cells.attribute
            and compared_values.attribute_value = cells.attribute_value

),

{{ compared_segments(keys) }}

select * from profiles
