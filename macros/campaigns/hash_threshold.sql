{#- The hexadecimal digits below which this share of all hashes begin, as `clientele.campaigns.audiences` has it. -#}

{% macro hash_threshold(share) %}
    {{- return('%08x' % ((share | float * 16 ** 8) | int)) -}}
{% endmacro %}
