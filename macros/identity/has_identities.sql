{#-
    The keys that the source has to tell persons by, the strongest first. `declared` is what a table names under
    `identities`: name and postcode make one key together.
-#}

{% macro identity_kinds() %}
    {%- set declared = identity_columns('order_lines') + identity_columns('customers') -%}
    {%- set kinds = [] -%}
    {%- for kind in ['loyalty_card', 'email', 'phone', 'name_postcode', 'device'] -%}
        {%- if kind in declared or (kind == 'name_postcode' and 'name' in declared and 'postcode' in declared) -%}
            {%- do kinds.append(kind) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(kinds) }}
{% endmacro %}


{#- The identifiers that a raw table names under `identities`. -#}

{% macro identity_columns(name) %}
    {%- set source = var('source') -%}
    {%- set tables = source.get('tables') if source is mapping else none -%}
    {%- set table = (tables or {}).get(name) -%}
    {%- set declared = table.get('identities') if table is mapping else none -%}
    {{ return((declared if declared is mapping else {}) | list) }}
{% endmacro %}


{#- Whether the source says by what to match its customers: persons are built only then. -#}

{% macro has_identities() %}
    {{ return(identity_kinds() | length > 0) }}
{% endmacro %}


{#- Whether the table `customers` says anything but keys. -#}

{% macro lists_customers() %}
    {{ return(has_customer_attributes() or identity_columns('customers') | length > 0) }}
{% endmacro %}
