{#- Drops the marts of attributes that an earlier build of another source left, as `forget_campaigns` does its own. -#}

{% macro forget_attributes() %}
    {%- if execute and builds_tables() and not has_customer_attributes() -%}
        {%- for name in ['dim_customer_attributes', 'fct_segment_profiles', 'rpt_customer_attributes'] -%}
            {%- do run_query('drop table if exists marts.' ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
