{#-
    Days from each cut-off of the backtests to today, each once, in order: multiples of every horizon, today, and the same
    season of the year before each of these days.
-#}

{% macro backtest_period_numbers() %}
    {%- set year_days = 365 -%}
    {%- set period_numbers = [0, year_days, 2 * year_days] -%}
    {%- for horizon in var('clv_horizons_days') -%}
        {%- for number in range(1, var('clv_backtest_origins') + 2) -%}
            {%- for days in [horizon * number] + ([horizon * number + year_days] if number <= var('clv_backtest_origins') else []) -%}
                {%- if days not in period_numbers -%}
                    {%- do period_numbers.append(days) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(period_numbers | sort) }}
{% endmacro %}
