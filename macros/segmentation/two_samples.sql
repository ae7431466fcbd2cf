{#-
    Statistics of the difference of two groups, as SQL over columns. Neither engine has the distributions, so they are
    computed by published approximations; pytest compares them with scipy.
-#}

{#- Bound of a share's interval, Wilson (1927): `sign` is '-' or '+', `z` the normal quantile, by default that of 95 %. -#}
{% macro wilson_bound(share, count, sign, z=1.959963984540054) -%}
    (
        {{ share }} + {{ z * z / 2 }} / {{ count }}
        {{ sign }} {{ z }} * sqrt({{ share }} * (1 - {{ share }}) / {{ count }} + {{ z * z / 4 }} / {{ count }} / {{ count }})
    ) / (1 + {{ z * z }} / {{ count }})
{%- endmacro %}


{#-
    The quantile of Student's t with `df` degrees of freedom where the normal one is `z`, by default that of 0.975: Cornish
    and Fisher's expansion; within 0.0005 from 5 degrees on.
-#}
{% macro t_quantile(df, z=1.959963984540054) -%}
    {%- set terms = [
        (z ** 3 + z) / 4,
        (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
        (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
        (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
    ] -%}
    ({{ z }}
    {%- for term in terms %} + {{ term }}{% for _ in range(loop.index) %} / {{ df }}{% endfor %}{% endfor %})
{%- endmacro %}


{#- The normal deviate with the two-sided probability of `t` with `df` degrees of freedom, Hill (1970), algorithm 395. -#}
{% macro t_as_normal(t, df) -%}
    {%- set a = '(' ~ df ~ ' - 0.5)' -%}
    {%- set b = '(48 * ' ~ a ~ ' * ' ~ a ~ ')' -%}
    {%- set z = 'sqrt(' ~ a ~ ' * ln(1 + ' ~ t ~ ' * ' ~ t ~ ' / ' ~ df ~ '))' -%}
    (
        {{ z }} + (power({{ z }}, 3) + 3 * {{ z }}) / {{ b }}
        - (4 * power({{ z }}, 7) + 33 * power({{ z }}, 5) + 240 * power({{ z }}, 3) + 855 * {{ z }})
        / (10 * {{ b }} * ({{ b }} + 0.8 * power({{ z }}, 4) + 100))
    )
{%- endmacro %}


{#-
    The probability of a normal deviate beyond +-`z`, z not negative: erfc(z / sqrt(2)) with the Chebyshev fit of Press et al.,
    Numerical Recipes, section 6.2, whose relative error is below 1.2e-7. `t` is the SQL of `normal_t`.
-#}
{% macro two_sided_p(z, t) -%}
    {{ t }} * exp(
        -{{ z }} * {{ z }} / 2 - 1.26551223 + {{ t }} * (1.00002368 + {{ t }} * (0.37409196 + {{ t }} * (0.09678418
        + {{ t }} * (-0.18628806 + {{ t }} * (0.27886807 + {{ t }} * (-1.13520398 + {{ t }} * (1.48851587
        + {{ t }} * (-0.82215223 + {{ t }} * 0.17087277))))))))
    )
{%- endmacro %}

{% macro normal_t(z) -%}
    1 / (1 + {{ z }} / 2.8284271247461903)
{%- endmacro %}
