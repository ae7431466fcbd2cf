{#-
    Words of a text and what is made of them, for topics and sentiment. Scripts that do not separate words (Han, kana, Thai,
    Lao, Khmer, Burmese) give a word for each character; pairs of neighbours are then what a dictionary would call words.
    Negations of English in any spelling become `not`.
-#}

{#- Whether a text has a letter. -#}
{% macro has_words(text) %}
    {{- matches(text, text_literal('\\p{L}')) -}}
{% endmacro %}

{#- The words of a text in their order, in lower case; numbers and signs are left out. -#}
{% macro words_of(text) %}
    {{- adapter.dispatch('words_of')(text) -}}
{% endmacro %}

{% macro duckdb__words_of(text) -%}
    regexp_extract_all(
        regexp_replace(
            regexp_replace(
                regexp_replace(lower(nfc_normalize({{ text }})), '{{ negated_verbs() }}', '\1 not', 'g'),
                '\bcan(not|t)\b', 'can not', 'g'
            ),
            '([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])', ' \1 ', 'g'
        ),
        '[\p{L}\p{M}]+'
    )
{%- endmacro %}

{#- Spark has no Unicode forms in SQL; letters and their marks are kept together either way. -#}
{% macro spark__words_of(text) -%}
    regexp_extract_all(
        regexp_replace(
            regexp_replace(
                regexp_replace(lower({{ text }}), '{{ negated_verbs() | replace("\\", "\\\\") }}', '$1 not'),
                '\\bcan(not|t)\\b', 'can not'
            ),
            '([\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}\\p{IsMyanmar}])', ' $1 '
        ),
        '[\\p{L}\\p{M}]+', 0
    )
{%- endmacro %}

{#- Verbs with a contracted "not", with or without the apostrophe. -#}
{% macro negated_verbs() -%}
    \b(are|ca|could|did|do|does|had|has|have|is|must|need|should|was|were|wo|would)n[\x{2019}\x{27}]?t\b
{%- endmacro %}

{#- Words that turn what follows within three words into its opposite. -#}
{% macro negations() %}
    {{ return(['not', 'no', 'never', 'without', 'hardly', 'nor', 'nicht', 'kein', 'keine', 'keinen', 'nie', 'pas', 'jamais', 'sans',
               'nunca', 'sin', 'não', 'non', 'mai', 'niet', 'geen', 'inte', 'ikke']) }}
{% endmacro %}

{#-
    The different terms of a text, of its words in an array: words, pairs of neighbours, and "not" with each of the three words
    after a negation. A word twice counts once.
-#}
{% macro terms_of(words) %}
    {{- adapter.dispatch('terms_of')(words) -}}
{% endmacro %}

{% macro duckdb__terms_of(words) -%}
    list_distinct(flatten([
        {{ words }},
        list_transform(range(1, len({{ words }})), lambda i: concat({{ words }}[i], ' ', {{ words }}[i + 1])),
        {%- for distance in [1, 2, 3] %}
        list_transform(
            list_filter(range(1, len({{ words }}) + 1 - {{ distance }}), lambda i: {{ words }}[i] in ('{{ negations() | join("', '") }}')),
            lambda i: concat('not ', {{ words }}[i + {{ distance }}])
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ]))
{%- endmacro %}

{#- A sequence of Spark runs backwards where its end is before its start. -#}
{% macro spark__terms_of(words) -%}
    array_distinct(concat(
        {{ words }},
        case
            when size({{ words }}) > 1
                then transform(sequence(1, size({{ words }}) - 1), i -> concat(get({{ words }}, i - 1), ' ', get({{ words }}, i)))
            else cast(array() as array<string>)
        end,
        {%- for distance in [1, 2, 3] %}
        case
            when size({{ words }}) > {{ distance }}
                then transform(
                    filter(
                        sequence(1, size({{ words }}) - {{ distance }}),
                        i -> get({{ words }}, i - 1) in ('{{ negations() | join("', '") }}')
                    ),
                    i -> concat('not ', get({{ words }}, i - 1 + {{ distance }}))
                )
            else cast(array() as array<string>)
        end{{ ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}

{#- A row for each item of an array, in the select list. -#}
{% macro each_item(items) %}
    {{- adapter.dispatch('each_item')(items) -}}
{% endmacro %}

{% macro duckdb__each_item(items) -%}
    unnest({{ items }})
{%- endmacro %}

{% macro spark__each_item(items) -%}
    explode({{ items }})
{%- endmacro %}

{#-
    A text of which only known words are shown: an array `shown` has them in lower case. Addresses, numbers and all other words
    become an ellipsis, so that a name, an e-mail or a phone number is not shown.
-#}
{% macro redacted(text, shown) %}
    {{- adapter.dispatch('redacted')(text, shown) -}}
{% endmacro %}

{% macro duckdb__redacted(text, shown) -%}
    regexp_replace(
        array_to_string(
            list_transform(
                regexp_extract_all(
                    regexp_replace({{ text }}, '\S*(@|://|www\.)\S*|\S*\p{N}\S*', '…', 'g'),
                    '[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{2}|[\p{L}\p{M}''’]+|[^\p{L}\p{M}''’]+'
                ),
                lambda part: case
                    when not regexp_matches(part, '\p{L}') or list_contains({{ shown }}, lower(part)) then part else '…'
                end
            ),
            ''
        ),
        '…([\s…]*…)*', '…', 'g'
    )
{%- endmacro %}

{% macro spark__redacted(text, shown) -%}
    regexp_replace(
        array_join(
            transform(
                regexp_extract_all(
                    regexp_replace({{ text }}, '\\S*(@|://|www\\.)\\S*|\\S*\\p{N}\\S*', '…'),
                    '[\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}\\p{IsMyanmar}]{2}|[\\p{L}\\p{M}\'’]+|[^\\p{L}\\p{M}\'’]+',
                    0
                ),
                part -> case
                    when not part rlike '\\p{L}' or array_contains({{ shown }}, lower(part)) then part else '…'
                end
            ),
            ''
        ),
        '…([\\s…]*…)*', '…'
    )
{%- endmacro %}
