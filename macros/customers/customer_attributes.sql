{#-
    The attributes of customers that the source declares, with the consent first if there is one: `name`, `kind` (number,
    category, date, yes_no), `read_as` (the kind of its column), `is_sensitive`, and `levels` of a category, each with the
    name of its feature: `plan_plus_2` for the level "Plus 2" of plan.
-#}

{% macro customer_attributes() %}
    {%- set source = var('source') -%}
    {%- set tables = source.get('tables') if source is mapping else none -%}
    {%- set table = (tables or {}).get('customers') -%}
    {%- set found = [] -%}
    {%- if table is mapping -%}
        {%- set read_as = {'number': 'number', 'category': 'text', 'date': 'timestamp', 'yes_no': 'text'} -%}
        {%- if (table.get('columns') or {}).get('consent') is not none -%}
            {%- do found.append({'name': 'consent', 'kind': 'yes_no', 'read_as': 'text', 'is_sensitive': false}) -%}
        {%- endif -%}
        {%- set declared = table.get('attributes') -%}
        {%- for name, said in (declared if declared is mapping else {}).items() if said is mapping -%}
            {%- set levels = {} -%}
            {%- for level in said.get('levels') or [] -%}
                {%- do levels.update({level: name ~ '_' ~ modules.re.sub('[^a-z0-9]+', '_', level | string | lower).strip('_')}) -%}
            {%- endfor -%}
            {%- do found.append({
                'name': name, 'kind': said.get('kind'), 'levels': levels, 'read_as': read_as.get(said.get('kind')),
                'is_sensitive': said.get('sensitive', false),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}


{#- Whether the source says anything of customers: what is about attributes is built only then. -#}

{% macro has_customer_attributes() %}
    {{ return(customer_attributes() | length > 0) }}
{% endmacro %}


{#- Whether the source says who agreed to be contacted. -#}

{% macro has_consent() %}
    {{ return(customer_attributes() | selectattr('name', 'equalto', 'consent') | list | length > 0) }}
{% endmacro %}
