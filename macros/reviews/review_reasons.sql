{#- What can happen to a raw review: severity and meaning by reason, in the order in which reasons are checked. -#}

{% macro review_reasons() %}
    {{ return({
        'accepted': ['none', 'A review that everything downstream is built from'],
        'unreadable_rating': ['warning', 'Used, but its rating does not read as a number and counts as missing'],
        'no_words': ['warning', 'The text is empty or has no letter'],
        'invalid_timestamp': ['error', 'Time missing, unreadable, or before the earliest plausible date'],
        'exact_copy': ['warning', 'Customer, product, time, rating and text of another review, of which one is used'],
        'future_date': ['error', 'Dated after the day the data were extracted'],
        'after_as_of_date': ['none', 'Dated after the as-of date, so not yet known on that day'],
        'repeated_review_id': ['error', 'The key of an earlier review with other content'],
    }) }}
{% endmacro %}
