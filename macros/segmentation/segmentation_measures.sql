{#-
    The measures that segmentations may use and that rules may name: those of `feat_customers__behaviour`, which are known
    for every customer on every day. `fct_customer_features` has them under the same names.
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
