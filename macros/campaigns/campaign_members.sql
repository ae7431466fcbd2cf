{#-
    The complete SQL of `stg_campaigns`: the source's table and the files of exported audiences, which have its columns.
    Where the spellings of customers in the order lines were settled, theirs are too.
-#}

{% macro campaign_members() %}
    {%- set spelled = execute and not is_imported('order_lines') and 'customer_spellings' in raw_tables() -%}
    {%- if var('source')['tables'].get('campaigns') %}
    select
        {%- for column in canonical_columns('campaigns') %}
        {%- if column['name'] == 'customer_id' and spelled %}
        coalesce(spelled.spelling, members.customer_id) as customer_id
        {%- else %}
        members.{{ column['name'] }}
        {%- endif %}
        {{- ',' }}
        {%- endfor %}
        {{ 'false' if var('source')['tables']['campaigns'].get('randomised') == false else 'true' }} as is_randomised
    from ({{ canonical_select('campaigns') }}) as members
    {%- if spelled %}
    left join raw.customer_spellings as spelled
        on members.customer_id = spelled.customer_id
    {%- endif %}
    {{- ' union all' if var('campaign_exports', none) }}
    {%- endif %}
    {%- if var('campaign_exports', none) %}
    {%- do source('raw', 'campaign_exports') %}
    select
        {%- for column in canonical_columns('campaigns') %}
        cast({{ column['name'] }} as {{ column['type'] }}) as {{ column['name'] }}
        {{- ',' }}
        {%- endfor %}
        true as is_randomised
    from {{ read_files('campaign_exports', var('campaign_exports', none)) }} as exported
    {%- endif %}
{% endmacro %}
