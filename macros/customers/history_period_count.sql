{#- The number of earlier periods for which features are computed: the var `history_periods`, after validation. -#}

{% macro history_period_count() %}
    {%- set history, forward = var('history_periods'), var('forward_periods') -%}
    {%- if history < 1 or forward < 1 or forward > history or var('comparison_days') < 1 -%}
        {{ exceptions.raise_compiler_error(
            "comparison_days=" ~ var('comparison_days') ~ ", history_periods=" ~ history ~ ", forward_periods="
            ~ forward ~ ": each must be at least 1, and forward_periods at most history_periods"
        ) }}
    {%- endif -%}
    {{ return(history) }}
{% endmacro %}
