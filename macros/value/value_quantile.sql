{#-
    The quantile at `level`, a number or a column, of the value of a customer's orders, in units of v + the orders seen
    times their mean, from the columns `p_order` and `log_value_1`, ... of `ml_clv__expected_orders`. Between the tabulated
    probabilities, those of `clientele.value.ranges.LEVELS`, and beyond the last, the logarithm of the value is linear in
    the logit of the probability.
-#}

{% macro value_quantile(level) %}
    {%- set levels = [0.01, 0.03, 0.08, 0.16, 0.26, 0.38, 0.5, 0.62, 0.74, 0.83, 0.9] -%}
    {#- The probability of an order, rounded: near 1 - level the logit would magnify the last digits. -#}
    {%- set rest = '(1 - ' ~ level ~ ')' -%}
    {%- set wanted = 'ln((round(p_order, 9) - ' ~ rest ~ ') / ' ~ rest ~ ')' -%}
    case
        when round(p_order, 9) <= {{ rest }} then 0.0
        {%- for high in levels[1:] %}
        {#- e0: Spark would divide decimals, to six places. -#}
        {%- set low, high = levels[loop.index0] ~ 'e0', high ~ 'e0' %}
        {% if loop.last %}else{% else %}when round(p_order, 9) <= {{ rest }} / (1 - {{ high }}) then{% endif %} exp(
            log_value_{{ loop.index }} + (log_value_{{ loop.index + 1 }} - log_value_{{ loop.index }})
            * ({{ wanted }} - ln({{ low }} / (1 - {{ low }})))
            / (ln({{ high }} / (1 - {{ high }})) - ln({{ low }} / (1 - {{ low }})))
        )
        {%- endfor %}
    end
{%- endmacro %}
