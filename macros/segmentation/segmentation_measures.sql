{#-
    What segmentations may use and their rules may speak of: the numbers of `feat_customers__behaviour`, known on every
    day for every customer. `fct_customer_features` holds them under the same names.
-#}

{% macro segmentation_measures() %}
    {%- set measures = behaviour_measures() | list -%}
    {%- for name, features in var('segmentation_feature_sets').items() -%}
        {%- for feature in features if feature not in measures -%}
            {{ exceptions.raise_compiler_error(
                "segmentation_feature_sets." ~ name ~ ": " ~ feature ~ " is none of " ~ measures | join(', ')
            ) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(measures) }}
{% endmacro %}
