{#-
    Drops the marts of tables that the source does not have, which an earlier build of another source left, so that no one
    reads them as this source's. dbt leaves the table of a model that is disabled. It does not ask the adapter for the tables
    first: that would begin a transaction, which dbt rolls back when the run starts.
-#}

{% macro forget_absent() %}
    {%- set tables, views = [], [] -%}
    {%- if not has_campaigns() -%}
        {%- do tables.extend(['fct_campaign_results', 'fct_customer_campaigns']) -%}
    {%- endif -%}
    {%- if not has_experiments() -%}
        {%- do tables.extend(['fct_customer_uplift', 'rpt_uplift_backtests']) -%}
    {%- endif -%}
    {%- if not has_customer_attributes() -%}
        {%- do tables.extend(['dim_customer_attributes', 'fct_segment_profiles', 'rpt_customer_attributes']) -%}
    {%- endif -%}
    {%- if not has_identities() -%}
        {%- do tables.extend(['dim_identities', 'rpt_identity_merges']) -%}
    {%- endif -%}
    {%- if not has_events() -%}
        {%- do tables.extend(['fct_funnels', 'fct_order_touches', 'rpt_event_quality']) -%}
        {%- do views.extend(['fct_sessions', 'fct_customer_visits']) -%}
    {%- endif -%}
    {%- if not has_reviews() -%}
        {%- do tables.extend([
            'dim_topics', 'fct_customer_reviews', 'fct_review_topics', 'rpt_review_quality', 'rpt_sentiment_backtests',
            'rpt_topic_effects',
        ]) -%}
    {%- endif -%}
    {%- if execute and builds_tables() -%}
        {%- for name in tables -%}
            {%- do run_query('drop table if exists marts.' ~ name) -%}
        {%- endfor -%}
        {%- for name in views -%}
            {%- do run_query('drop view if exists marts.' ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
