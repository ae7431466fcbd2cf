{#-
    Customers and order numbers of order lines that SQL reads where they are, as the import settles those of text files:
    spellings of one customer are one, and an order number of several customers is an order for each. `settle_keys` asks
    the data once, at the start of a run. Clean data cost nothing else; otherwise a table in the schema `raw` says what
    to replace, and `settled_lines` joins it.
-#}

{% macro settle_keys(location) %}
    {%- set table = var('source')['tables']['order_lines'] -%}
    {%- if not table['columns'].get('customer_id') -%}{{ return([]) }}{%- endif -%}
    {%- set theirs = {} -%}
    {%- set keys = {} -%}
    {%- for column in canonical_columns('order_lines') if column['name'] in ['order_id', 'customer_id', 'ordered_at'] -%}
        {%- do theirs.update({column['name']: mapped_value(table['columns'][column['name']])}) -%}
        {%- do keys.update({column['name']: canonical_value('order_lines', table['columns'][column['name']], column)}) -%}
    {%- endfor -%}
    {%- set notes = [] -%}
    {%- if table.get('customer_ids') != 'as_written' -%}
        {%- do notes.extend(settle_customers(theirs, keys, location)) -%}
    {%- endif -%}
    {%- do notes.extend(settle_orders(theirs, keys, location, has_spellings=notes | length > 0)) -%}
    {{ return(notes) }}
{% endmacro %}


{#- Drops what an earlier run, perhaps of another source, had to replace. -#}

{% macro forget_settled_keys() %}
    {%- for name in ['customer_spellings', 'shared_orders'] if name in raw_tables() -%}
        {%- do run_query("drop table raw." ~ name) -%}
    {%- endfor -%}
{% endmacro %}


{#- Makes `raw.customer_spellings` if customers are written in several ways: each takes the spelling used most. -#}

{% macro settle_customers(theirs, keys, location) %}
    {%- set query -%}
        select count(*)
        from (
            select 1 as n
            from (select distinct cast({{ theirs['customer_id'] }} as string) as customer_id from {{ location }}) as written
            group by {{ same_person('customer_id') }} having count(*) > 1
        ) as persons
    {%- endset -%}
    {%- if run_query(query).columns[0].values()[0] | int == 0 -%}{{ return([]) }}{%- endif -%}
    {%- do run_query("create schema if not exists raw") -%}
    {%- set query -%}
        create table raw.customer_spellings as
        select customer_id, spelling
        from (
            select
                customer_id,
                first_value(customer_id) over (
                    partition by {{ same_person('customer_id') }} order by line_count desc, customer_id
                ) as spelling
            from (
                select customer_id, count(*) as line_count
                from (select {{ keys['customer_id'] }} as customer_id from {{ location }}) as lines
                where customer_id is not null group by customer_id
            ) as counted
        ) as spelled
        where customer_id <> spelling
    {%- endset -%}
    {%- do run_query(query) -%}
    {%- set spelled = run_query("select count(distinct spelling), min(spelling) from raw.customer_spellings").rows[0] -%}
    {%- if spelled[0] | int == 0 -%}
        {%- do run_query("drop table raw.customer_spellings") -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return([spelled[0] ~ (" customer is" if spelled[0] == 1 else " customers are") ~ " written in several ways, for example '" ~ spelled[1]
        ~ "'; each is one customer. `customer_ids: as_written` keeps them apart."]) }}
{% endmacro %}


{#-
    Makes `raw.shared_orders` if several customers have one order number. Where numbers are used again, an order of one
    customer with days far apart is several, too. The first question compares hashes of what is written, which is cheap,
    and in more than two million lines it looks at a part of the orders, by hash: it costs 0.5 s of CPU there.
-#}

{% macro settle_orders(theirs, keys, location, has_spellings) %}
    {%- set lines -%}
        (
            select lines.order_id, {{ "coalesce(spelled.spelling, lines.customer_id)" if has_spellings else "lines.customer_id" }} as customer_id,
                lines.ordered_at
            from (
                select {{ keys['order_id'] }} as order_id, {{ keys['customer_id'] }} as customer_id, {{ keys['ordered_at'] }} as ordered_at
                from {{ location }}
            ) as lines
            {{ "left join raw.customer_spellings as spelled on lines.customer_id = spelled.customer_id" if has_spellings }}
            where lines.order_id is not null and lines.customer_id is not null
        ) as lines
    {%- endset -%}
    {%- set written -%}
        (select {{ theirs['order_id'] }} as order_id, {{ theirs['customer_id'] }} as customer_id from {{ location }}) as lines
    {%- endset -%}
    {%- set parts = run_query("select count(*) from " ~ location).columns[0].values()[0] | int // 2000000 + 1 -%}
    {%- set query -%}
        select count(case when first_customer <> last_customer then 1 end), count(*)
        from (
            select min({{ row_hash(['customer_id']) }}) as first_customer, max({{ row_hash(['customer_id']) }}) as last_customer
            from {{ lines if has_spellings else written }}
            where order_id is not null and customer_id is not null
                {{ 'and ' ~ row_hash(['order_id']) ~ ' % ' ~ parts ~ ' = 0' if parts > 1 }}
            group by {{ row_hash(['order_id']) }}
        ) as numbers
    {%- endset -%}
    {%- set found = run_query(query).rows[0] -%}
    {%- if found[0] | int == 0 -%}{{ return([]) }}{%- endif -%}
    {%- set days = dbt.datediff('min(ordered_at)', 'max(ordered_at)', 'day') ~ ' > 1' -%}
    {%- set is_common = found[0] | int > 0.01 * (found[1] | int) -%}
    {%- do run_query("create schema if not exists raw") -%}
    {%- set query -%}
        create table raw.shared_orders as
        select lines.order_id, lines.customer_id, max(numbers.is_shared) as is_shared,
            {{ days | replace('ordered_at', 'lines.ordered_at') }} as has_days
        from {{ lines }}
        inner join (
            select order_id, case when min(customer_id) <> max(customer_id) then 1 else 0 end as is_shared
            from {{ lines }} group by order_id
            having min(customer_id) <> max(customer_id) {{ 'or ' ~ days if is_common }}
        ) as numbers on lines.order_id = numbers.order_id
        group by lines.order_id, lines.customer_id
    {%- endset -%}
    {%- do run_query(query) -%}
    {%- set shared = run_query("select count(distinct order_id), min(order_id) from raw.shared_orders where is_shared = 1").rows[0] -%}
    {%- if shared[0] | int == 0 -%}
        {%- do run_query("drop table raw.shared_orders") -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return([shared[0] ~ (" order number is" if shared[0] == 1 else " order numbers are") ~ " shared by several customers, for example '" ~ shared[1]
        ~ "': each customer's lines count as an order of their own."]) }}
{% endmacro %}


{#- Canonical order lines in which customers and order numbers are settled; as they are if there is nothing to settle. -#}

{% macro settled_lines(lines) %}
    {%- set present = raw_tables() if execute and not is_imported('order_lines') else [] -%}
    {%- set spelled = 'customer_spellings' in present -%}
    {%- set shared = 'shared_orders' in present -%}
    {%- if not spelled and not shared -%}{{ return(lines) }}{%- endif -%}
    {%- set customer = 'coalesce(spelled.spelling, lines.customer_id)' if spelled else 'lines.customer_id' -%}
    {%- set settled -%}
    select
        {%- for column in canonical_columns('order_lines') %}
        {%- if column['name'] == 'customer_id' %}
        {{ customer }} as customer_id,
        {%- elif column['name'] == 'order_id' and shared %}
        case
            when shared.order_id is null then lines.order_id
            when shared.has_days then concat(lines.order_id, ' / ', shared.customer_id, ' / ', cast(cast(lines.ordered_at as date) as string))
            else concat(lines.order_id, ' / ', shared.customer_id)
        end as order_id,
        {%- else %}
        lines.{{ column['name'] }},
        {%- endif %}
        {%- endfor %}
        lines.reject_reason,
        lines.exclude_reason
    from ({{ lines }}) as lines
    {%- if spelled %}
    left join raw.customer_spellings as spelled
        on lines.customer_id = spelled.customer_id
    {%- endif %}
    {%- if shared %}
    left join raw.shared_orders as shared
        on lines.order_id = shared.order_id and {{ customer }} = shared.customer_id
    {%- endif %}
    {%- endset -%}
    {{ return(settled) }}
{% endmacro %}
