{#-
    Drops the marts of campaigns that an earlier build of another source left, so that no one reads them as this source's.
    dbt leaves the table of a model that is disabled. It does not ask the adapter for the tables first: that would begin a
    transaction, which dbt rolls back when the run starts.
-#}

{% macro forget_campaigns() %}
    {%- set campaigns = ['fct_campaign_results', 'fct_customer_campaigns'] -%}
    {%- set experiments = ['fct_customer_uplift', 'rpt_uplift_backtests'] -%}
    {%- if execute and builds_tables() -%}
        {%- for name in (campaigns if not has_campaigns() else []) + (experiments if not has_experiments() else []) -%}
            {%- do run_query('drop table if exists marts.' ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
