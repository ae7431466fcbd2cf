{#- The phases that `rpt_build_changes` has the seconds of: the families of models, and their checks. -#}

{% macro build_phases() %}
    {{ return(['orders', 'customers', 'segmentation', 'rules', 'recommendations', 'value', 'quality', 'checks']) }}
{% endmacro %}
