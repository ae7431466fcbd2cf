{#-
    The measures that segmentations may use and that rules may name: those of `feat_customers__behaviour`, which are known
    for every customer on every day, and the features of `attribute_features`.
-#}

{% macro segmentation_measures() %}
    {%- set measures = behaviour_measures() | list + attribute_features() | list -%}
    {%- for name, features in var('segmentation_feature_sets').items() -%}
        {%- for feature in features if feature not in measures -%}
            {%- for attribute in customer_attributes() if feature == attribute['name'] -%}
                {{ exceptions.raise_compiler_error(
                    "segmentation_feature_sets." ~ name ~ ": " ~ (
                        "the attribute " ~ feature ~ " is sensitive; sensitive attributes make no segment" if attribute['is_sensitive']
                        else "name one of the levels of the attribute " ~ feature ~ ", which the source declares"
                        if attribute['kind'] == 'category'
                        else "the attribute " ~ feature ~ " is a date; declare a number, such as its year"
                    )
                ) }}
            {%- endfor -%}
            {{ exceptions.raise_compiler_error(
                "segmentation_feature_sets." ~ name ~ ": " ~ feature ~ " is none of " ~ measures | join(', ')
            ) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(measures) }}
{% endmacro %}
