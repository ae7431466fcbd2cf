{#-
    The attributes of customers that `segmentation_feature_sets` name: for each feature its `attribute` and its SQL over
    `int_customer_attributes`. A number is a feature as it is, yes is 1 and no is 0, and of a category each of its `levels` is
    a feature of its own, `<attribute>_<level>`: 1 for customers with that value, 0 for those with another. Null is unknown.
-#}

{% macro attribute_features() %}
    {%- set wanted = var('segmentation_feature_sets').values() | sum(start=[]) -%}
    {%- set features = {} -%}
    {%- for attribute in customer_attributes() -%}
        {%- set name, is_it = attribute['name'], "attribute = '" ~ attribute['name'] ~ "'" -%}
        {%- set offered = {} -%}
        {%- if attribute['kind'] == 'number' -%}
            {%- do offered.update({name: "case when " ~ is_it ~ " then number_value end"}) -%}
        {%- elif attribute['kind'] == 'yes_no' -%}
            {%- do offered.update({name: "case when " ~ is_it ~ " then case text_value when 'yes' then 1.0 when 'no' then 0.0 end end"}) -%}
        {%- endif -%}
        {%- for level, feature in attribute.get('levels', {}).items() -%}
            {%- set value = "case text_value when " ~ text_literal(level) ~ " then 1.0 else 0.0 end" -%}
            {%- do offered.update({feature: "case when " ~ is_it ~ " and text_value is not null then " ~ value ~ " end"}) -%}
        {%- endfor -%}
        {%- for feature, sql in offered.items() if feature in wanted and not attribute['is_sensitive'] -%}
            {%- if feature in behaviour_measures() -%}
                {{ exceptions.raise_compiler_error("the attribute " ~ name ~ " gives the feature " ~ feature ~ ", which is a measure of behaviour; give it another name") }}
            {%- endif -%}
            {%- do features.update({feature: {'attribute': name, 'sql': sql}}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(features) }}
{% endmacro %}


{#- Whether segmentations use attributes: their features are built only then. -#}

{% macro has_attribute_features() %}
    {{ return(attribute_features() | length > 0) }}
{% endmacro %}


{#-
    The CTEs `attributes` and `attribute_means`, which `attribute_values` reads. They are empty text if no attribute is used.
-#}

{% macro attribute_ctes() %}
{%- if has_attribute_features() %}
attributes as (

    select * from {{ ref('feat_customers__attributes') }}

),

-- Where an attribute is unknown, the mean of all customers takes its place: it pulls them to no segment.
attribute_means as (

    select
        {%- for feature in attribute_features() %}
        cast(sum(cast({{ feature }} as decimal(28, 9))) as double) / nullif(count({{ feature }}), 0) as {{ feature }}
        {{- ',' if not loop.last }}
        {%- endfor %}

    from attributes

),
{%- endif %}
{% endmacro %}


{#- The columns of the features that are attributes. -#}

{% macro attribute_values() %}
        {%- for feature in attribute_features() %}
        greatest(coalesce(attributes.{{ feature }}, attribute_means.{{ feature }}, 0), 0) as {{ feature }},
        {%- endfor %}
{% endmacro %}


{#- The joins of both to the relation `customers`, which has a customer_id. -#}

{% macro attribute_joins(customers) %}
{%- if has_attribute_features() %}
    left join attributes
        on {{ customers }}.customer_id = attributes.customer_id

    cross join attribute_means
{%- endif %}
{% endmacro %}
