{#-
    The outcomes of raw events, in the order in which they are tested; `when` is a condition on a row of `events`. Copies
    and bots are found by what else there is.
-#}

{% macro event_reasons() %}
    {{ return([
        {'reason': 'accepted', 'severity': 'none', 'meaning': 'Counts in a session'},
        {'reason': 'unreadable_line', 'severity': 'error', 'when': "events.reject_reason = 'unreadable_line'",
         'meaning': 'A line of the file that cannot be read'},
        {'reason': 'missing_visitor', 'severity': 'error', 'when': 'events.customer_id is null and events.device_id is null',
         'meaning': 'Neither a customer nor a device, so it belongs to no session'},
        {'reason': 'invalid_timestamp', 'severity': 'error',
         'when': 'events.occurred_at is null or events.occurred_at < ' ~ dbt.string_literal(var('earliest_order_date')),
         'meaning': 'Time missing, unreadable, or before the earliest plausible date'},
        {'reason': 'missing_type', 'severity': 'error', 'when': 'events.event_type is null',
         'meaning': 'It does not say what the visitor did'},
        {'reason': 'future_date', 'severity': 'error',
         'when': 'cast(events.occurred_at as date) > cast(' ~ dbt.string_literal(extract_date()) ~ ' as date)',
         'meaning': 'Dated after the day the data were extracted'},
        {'reason': 'after_as_of_date', 'severity': 'none',
         'when': 'cast(events.occurred_at as date) > as_of.as_of_date',
         'meaning': 'Dated after the as-of date, so not yet known on that day'},
        {'reason': 'duplicate', 'severity': 'warning',
         'meaning': 'Equal in every mapped column to another event, of which one is kept'},
        {'reason': 'bot', 'severity': 'info',
         'meaning': 'Of a session with more events than a person makes'},
    ]) }}
{% endmacro %}
