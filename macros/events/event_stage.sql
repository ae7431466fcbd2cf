{#-
    The stage of an event as a number: 1 view, 2 cart, 3 checkout, 4 order, 0 anything else. The source's `event_types` say
    which of its words are which; without them the words are those.
-#}

{% macro event_stage(event_type) -%}
    {%- set stages = ['view', 'cart', 'checkout', 'order'] -%}
    {%- set table = (var('source').get('tables') or {}).get('events') or {} -%}
    {%- set types = table.get('event_types') or dict(zip(stages, stages)) -%}
    case {{ event_type }}
        {%- for theirs, ours in types.items() if ours in stages %}
        when {{ text_literal(theirs) }} then {{ stages.index(ours) + 1 }}
        {%- endfor %}
        else 0
    end
{%- endmacro %}
