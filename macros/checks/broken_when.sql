{#-
    The SQL condition under which a row breaks a rule. The rules have the names and arguments of dbt's own tests and of
    dbt-utils: `not_null`, `accepted_values` (values), `accepted_range` (min_value, max_value, inclusive: both bounds
    belong to the range unless false) and `expression_is_true` (expression). Each takes `where`, a condition that limits
    the rule to some rows, and `level` (error, or warn if a broken rule must not stop a build).
-#}

{% macro broken_when(column, name, arguments, table) %}
    {%- set known = {
        'not_null': [],
        'accepted_values': ['values'],
        'accepted_range': ['min_value', 'max_value', 'inclusive'],
        'expression_is_true': ['expression'],
    } -%}
    {%- set unknown = (arguments | list) | reject('in', known.get(name, []) + ['where', 'level']) | list -%}
    {%- if name not in known or unknown -%}
        {%- do exceptions.raise_compiler_error(
            "Column " ~ table ~ "." ~ column ~ ": there is no check " ~ name
            ~ (" with " ~ unknown | join(', ') if name in known else "")
            ~ ". Use one of: " ~ known | join(', ') ~ "."
        ) -%}
    {%- endif -%}
    {%- if name == 'not_null' -%}
        {%- set condition = column ~ ' is null' -%}
    {%- elif name == 'accepted_values' -%}
        {%- set values = [] -%}
        {%- for value in arguments['values'] -%}
            {%- do values.append(dbt.string_literal(dbt.escape_single_quotes(value)) if value is string else value) -%}
        {%- endfor -%}
        {%- set condition = column ~ ' not in (' ~ values | join(', ') ~ ')' -%}
    {%- elif name == 'expression_is_true' -%}
        {%- set condition = 'not (' ~ arguments.expression ~ ')' -%}
    {%- else -%}
        {%- set or_equal = '=' if arguments.get('inclusive', true) else '' -%}
        {%- set bounds = [] -%}
        {%- if arguments.get('min_value') is not none -%}
            {%- do bounds.append('not ' ~ column ~ ' >' ~ or_equal ~ ' ' ~ arguments.min_value) -%}
        {%- endif -%}
        {%- if arguments.get('max_value') is not none -%}
            {%- do bounds.append('not ' ~ column ~ ' <' ~ or_equal ~ ' ' ~ arguments.max_value) -%}
        {%- endif -%}
        {%- set condition = bounds | join(' or ') -%}
    {%- endif -%}
    {{ return('(' ~ arguments.where ~ ') and (' ~ condition ~ ')' if arguments.get('where') else condition) }}
{% endmacro %}
