{#- Days after the assignment that a campaign's outcome covers, by the vars `campaigns_window_days` and `campaigns_windows`. -#}

{% macro campaign_window(campaign_id) -%}
    {%- if var('campaigns_windows') -%}
        case {{ campaign_id }}
            {%- for name, days in var('campaigns_windows').items() %} when {{ text_literal(name) }} then {{ days | int }}{% endfor %}
            else {{ var('campaigns_window_days') }} end
    {%- else -%}
        {{ var('campaigns_window_days') }}
    {%- endif -%}
{%- endmacro %}
