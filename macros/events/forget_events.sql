{#- Drops the marts of events that an earlier build of another source left; see `forget_campaigns`. -#}

{% macro forget_events() %}
    {%- if execute and builds_tables() and not has_events() -%}
        {%- for name in ['fct_funnels', 'fct_order_touches', 'rpt_event_quality'] -%}
            {%- do run_query('drop table if exists marts.' ~ name) -%}
        {%- endfor -%}
        {%- for name in ['fct_sessions', 'fct_customer_visits'] -%}
            {%- do run_query('drop view if exists marts.' ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
