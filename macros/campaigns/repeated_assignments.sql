{#-
    The problem of customers who are in a campaign more than once: each would count twice. Seeds are not loaded yet when a
    run starts; the key of `int_campaign_members` is checked for them. Of very many rows a tenth or a hundredth of the
    customers is enough to see that there are some.
-#}

{% macro repeated_assignments() %}
    {%- if (var('source')['tables'].get('campaigns') or {}).get('seed') -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set members = "(" ~ campaign_members() ~ ") as members" -%}
    {%- set row_count = run_query("select count(*) from " ~ members).rows[0][0] -%}
    {%- set ending = '77' if row_count > 50000000 else '7' if row_count > 10000000 -%}
    {%- set found = run_query(
        "select count(*), max(arm_count), min(concat('''', customer_id, ''' in ''', campaign_id, '''')) from ("
        ~ "select campaign_id, customer_id, count(distinct coalesce(arm, '')) as arm_count from " ~ members
        ~ " where campaign_id is not null and customer_id is not null" ~ (" and customer_id like '%" ~ ending ~ "'" if ending)
        ~ " group by campaign_id, customer_id having count(*) > 1) as repeated"
    ).rows[0] -%}
    {%- if not found[0] -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return([
        "`campaigns`: " ~ found[0] ~ (" customer is" if found[0] | int == 1 else " customers are") ~ " listed more than once in a campaign"
        ~ (", some of them in two arms" if found[1] > 1) ~ ", for example " ~ found[2]
        ~ "; a customer has one arm of a campaign, so keep one row for each."
    ]) }}
{% endmacro %}
