{#- Drops the marts of reviews that an earlier build of another source left; `forget_campaigns` says why and how. -#}

{% macro forget_reviews() %}
    {%- if execute and builds_tables() and not has_reviews() -%}
        {%- for name in ['dim_topics', 'fct_customer_reviews', 'fct_review_topics', 'rpt_review_quality',
                         'rpt_sentiment_backtests', 'rpt_topic_effects'] -%}
            {%- do run_query('drop table if exists marts.' ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
