{#- Problems of the files of exported audiences, which also become readable here. -#}

{% macro campaign_export_problems() %}
    {%- set path = var('campaign_exports', none) -%}
    {%- if not has_files(path) -%}
        {{ return(["the var `campaign_exports`: no file at " ~ path ~ "; leave it out where nothing was exported."]) }}
    {%- endif -%}
    {%- do register_files('campaign_exports', path) -%}
    {{ return([]) }}
{% endmacro %}
