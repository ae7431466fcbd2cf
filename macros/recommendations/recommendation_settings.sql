{#-
    The recommendation methods, in the order that applies if nothing could be tested, and the settings of the vars after
    validation.
-#}

{% macro recommendation_settings() %}
    {%- set methods = ['co_occurrence', 'rules', 'segment_popularity', 'popularity'] -%}
    {%- set pinned, count = var('recommendations_method'), var('recommendations_count') -%}
    {%- set counts = var('recommendations_backtest_counts') -%}
    {%- if pinned is not none and pinned not in methods -%}
        {{ exceptions.raise_compiler_error(
            "recommendations_method=" ~ pinned ~ " is unknown: give one of " ~ methods | join(', ') ~ ", or null"
        ) }}
    {%- endif -%}
    {%- if count not in counts or counts | min < 1 -%}
        {{ exceptions.raise_compiler_error(
            "recommendations_count=" ~ count ~ " must be one of recommendations_backtest_counts=" ~ counts
            ~ ", each of which is at least 1: lists of that length are what the backtest chooses by"
        ) }}
    {%- endif -%}
    {#- Rules and popularity use the same segments. -#}
    {%- set segmentation = var('rules_segmentation') or 'behaviour' -%}
    {{ return({
        'methods': methods, 'pinned': pinned, 'count': count, 'counts': counts, 'longest': counts | max,
        'segmentation': segmentation,
    }) }}
{% endmacro %}
