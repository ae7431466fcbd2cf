{#-
    The CTEs `facts`, one per audience, and `members`: the customers of each audience with arm and rank. It reads the CTEs
    that `clientele.campaigns.audiences` names (`customers`, `rfm`, `features`, `customer_values`, `actions`, `offers`,
    `uplifts`, `visits`, `reviews`), `as_of`, with columns that are attributes `described` (as `dim_customer_attributes`),
    and with `has_contacts` `contacts` (customer_id, last_campaign_date). It calls no other macro: `clientele audience`
    renders this file too, and evaluates audiences as they are now on published marts.

    The arm is decided by hashes of the customer and the audience, and by nothing else. It stays the same when others join or
    leave, and so does each segment's share of the holdout, in expectation. A cap counts contacts: customers follow by rank
    until that many are treated, and those who are held out among them belong to the audience too.
-#}

{% macro audience_members(columns, audiences, salt, global_holdout_below, has_contacts) %}
{%- set names = audiences | map(attribute='name') | list -%}
{%- set attributes = columns | selectattr('relation', 'equalto', 'attributes') | list -%}
{%- if attributes -%}
attributes as (

    select
        {%- for column in attributes %}
        max(case when attribute = '{{ column['attribute'] }}' then {{ column['value'] }} end) as {{ column['name'] }},
        {%- endfor %}
        customer_id

    from described

    group by customer_id

),

{% endif -%}
facts as (

    select
        {%- for column in columns %}
        {{ column['relation'] }}.{{ column['column'] }} as {{ column['name'] }},
        {%- endfor %}
        as_of.as_of_date as today,
        {%- if has_contacts %}
        contacts.last_campaign_date,
        {%- endif %}
        substr(md5(concat('{{ salt }}::', customers.customer_id)), 1, 8) < '{{ global_holdout_below }}' as is_held_out_of_all

    from customers

    cross join as_of
    {% for relation in columns | map(attribute='relation') | unique if relation != 'customers' %}
    left join {{ relation }}
        on customers.customer_id = {{ relation }}.customer_id
    {% endfor %}
    {%- if has_contacts %}
    left join contacts
        on customers.customer_id = contacts.customer_id
    {% endif %}
),
{% for audience in audiences %}
ranked_{{ loop.index }} as (

    select
        customer_id,
        today,
        segment_name,
        clv,
        action_reason,
        case
            when is_held_out_of_all then 'global_holdout'
            when substr(md5(concat('{{ salt }}:{{ audience['name'] }}:', customer_id)), 1, 8) < '{{ audience['holdout_below'] }}' then 'control'
            else 'treated'
        end as arm,
        row_number() over (order by {{ audience['order'] }}, customer_id asc) as place

    from facts

    where
        {{ audience['where'] }}
        {%- if has_contacts and audience['rest_days'] %}
        and (last_campaign_date is null or last_campaign_date <= today - interval {{ audience['rest_days'] }} day)
        {%- endif %}
        {%- for earlier in audience['after'] %}
        {%- set number = names.index(earlier) + 1 %}
        and not exists (select 1 from audience_{{ number }} where audience_{{ number }}.customer_id = facts.customer_id)
        {%- endfor %}

),

audience_{{ loop.index }} as (
    {% if audience['cap'] is none %}
    select * from ranked_{{ loop.index }}
    {% else %}
    select counted.*

    from (
        select
            ranked_{{ loop.index }}.*,
            sum(case when arm = 'treated' then 1 else 0 end)
                over (order by place rows between unbounded preceding and 1 preceding)
                as contacts_before
        from ranked_{{ loop.index }}
    ) as counted

    where coalesce(counted.contacts_before, 0) < {{ audience['cap'] }}
    {% endif %}
),
{% endfor %}
members as (
    {% for audience in audiences %}
    select
        '{{ audience['name'] }}' as audience,
        customer_id,
        today as as_of_date,
        arm,
        cast(place as int) as rank,
        cast(clv as double) as value,
        segment_name,
        action_reason as reason
    from audience_{{ loop.index }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- else %}
    select
        cast(null as string) as audience,
        customer_id,
        today as as_of_date,
        cast(null as string) as arm,
        cast(null as int) as rank,
        cast(null as double) as value,
        segment_name,
        action_reason as reason
    from facts
    where 1 = 0
    {%- endfor %}

)
{%- endmacro %}
