{#- Days from today back to each cut-off of the backtests: multiples of every horizon, each once, in order. -#}

{% macro backtest_days_back() %}
    {%- set days_back = [] -%}
    {%- for horizon in var('clv_horizons_days') -%}
        {%- for number in range(1, var('clv_backtest_origins') + 2) if horizon * number not in days_back -%}
            {%- do days_back.append(horizon * number) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(days_back | sort) }}
{% endmacro %}
