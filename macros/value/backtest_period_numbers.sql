{#- Days from each cut-off of the backtests to today: multiples of every horizon, each once, in order. -#}

{% macro backtest_period_numbers() %}
    {%- set period_numbers = [] -%}
    {%- for horizon in var('clv_horizons_days') -%}
        {%- for number in range(1, var('clv_backtest_origins') + 2) if horizon * number not in period_numbers -%}
            {%- do period_numbers.append(horizon * number) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(period_numbers | sort) }}
{% endmacro %}
