{#-
    The SQL of an identifier in the form in which equal ones are equal. `kind` is one of loyalty_card, email, phone,
    name, postcode and device. The source's `identities` decides about plus-addressing and the prefix of phone numbers.
-#}

{% macro normalised(kind, value) %}
    {%- set settings = var('source').get('identities') or {} -%}
    {%- set text = "trim(cast(" ~ value ~ " as string))" -%}
    {%- if kind == 'email' -%}
        {{ normalised_email(text, settings.get('plus_addressing', false)) }}
    {%- elif kind == 'phone' -%}
        {{ normalised_phone(text, settings.get('phone_prefix')) }}
    {%- elif kind == 'name' -%}
        {{ folded_name(text) }}
    {%- elif kind in ('postcode', 'loyalty_card') -%}
        {{ replaced_matches("upper(" ~ without_fraction(text) ~ ")", '[^\\p{L}\\p{N}]+', '') }}
    {%- else -%}
        {{- text -}}
    {%- endif -%}
{% endmacro %}


{#- A number that was read as a fraction is whole: 447700900123.0. -#}

{% macro without_fraction(text) -%}
    {{ replaced_matches(text, '\\.0+$', '') }}
{%- endmacro %}


{#- Lower case; with `plus_addressing` true, or a list of domains, without what follows a plus. -#}

{% macro normalised_email(text, plus_addressing) %}
    {%- set email = "lower(" ~ composed_text(replaced_matches(text, '^mailto:|[\\s<>]+', '')) ~ ")" -%}
    {%- set domain = "split_part(" ~ email ~ ", '@', 2)" -%}
    {%- set bare = "concat(split_part(split_part(" ~ email ~ ", '@', 1), '+', 1), '@', " ~ domain ~ ")" -%}
    {%- if plus_addressing is sequence and plus_addressing is not string -%}
        {%- set domains = [] -%}
        {%- for said in plus_addressing -%}{%- do domains.append(text_literal(said | lower)) -%}{%- endfor -%}
        case when {{ domain }} in ({{ domains | join(', ') }}) then {{ bare }} else {{ email }} end
    {%- else -%}
        {{- bare if plus_addressing else email -}}
    {%- endif -%}
{% endmacro %}


{#- Digits after a plus. `prefix` such as +44 makes a national number international, with a leading zero or without. -#}

{% macro normalised_phone(text, prefix) %}
    {%- set extension = '(?i)(\\(0\\)|[ ,;]*(x|ext|extension|#)[. ]*[0-9]+$)' -%}
    {%- set main = replaced_matches(without_fraction(text), extension, '') -%}
    {%- set digits = replaced_matches(replaced_matches(main, '[^0-9+]+', ''), '^00', '+') -%}
    {%- set plain = replaced_matches(digits, '[+]', '') -%}
    {%- if prefix -%}
        {%- set country = prefix | string | replace('+', '') -%}
        case
            when {{ digits }} like '+%' then concat('+', {{ plain }})
            when {{ digits }} like '0%' then concat('+{{ country }}', {{ replaced_matches(plain, '^0+', '') }})
            when {{ digits }} like '{{ country }}%' and length({{ plain }}) > 10 then concat('+', {{ plain }})
            else concat('+{{ country }}', {{ plain }})
        end
    {%- else -%}
        {{- plain -}}
    {%- endif -%}
{% endmacro %}


{#- Lower case without accents, punctuation and titles; "Doe, Jane" is "jane doe". -#}

{% macro folded_name(text) %}
    {%- set turned = "case when " ~ text ~ " like '%,%' then concat(split_part(" ~ text ~ ", ',', 2), ' ', split_part("
        ~ text ~ ", ',', 1)) else " ~ text ~ " end" -%}
    {%- set folded = folded_letters(turned) -%}
    {%- set words = replaced_matches(folded, '[^\\p{L}\\p{N}]+', ' ') -%}
    trim({{ replaced_matches("trim(" ~ words ~ ")", '^(mr|mrs|ms|miss|dr|prof|herr|frau|mme|sir) ', '') }})
{% endmacro %}


{#- Lower case without accents, whether a letter and its accent are one character or two. -#}

{% macro folded_letters(text) -%}
    replace(replace(replace(replace(translate(
        {{ replaced_matches('lower(' ~ text ~ ')', '\\p{Mn}+', '') }},
        'àáâãäåāăąçćčďđèéêëēėęěğìíîïīįıłñńňòóôõöøōőřśšşșťţțùúûüūůűųýÿźżž',
        'aaaaaaaaacccddeeeeeeeegiiiiiiilnnnoooooooorsssstttuuuuuuuuyyzzz'
    ), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
{%- endmacro %}


{#- A normalised identifier; null where it cannot be a person's: too short, a machine's, or ignored by the source. -#}

{% macro usable(kind, value) %}
    {%- set settings = var('source').get('identities') or {} -%}
    {%- set ignored = [] -%}
    {%- for text in settings.get('ignore') or [] -%}
        {%- do ignored.append(text_literal(text | string | trim | lower)) -%}
    {%- endfor -%}
    {%- set fits = {
        'email': '^[^@]+@[^@]+[.][^@.]{2,}$', 'phone': '^([+][0-9]{8,15}|[0-9]{7,15})$',
        'postcode': '.{2,}', 'name': '[^ ]', 'loyalty_card': '.{3,}', 'device': '.{6,}',
    }[kind] -%}
    {%- set no_one = {
        'email': '^(no-?reply|do-?not-?reply|none|null|test|guest|unknown)([.+_-][^@]*)?@|[@.](invalid|localhost)$',
        'phone': '^[+]?(0{7,}|1{7,}|9{7,}|1234567[0-9]*)$|0000000|1111111|9999999',
        'postcode': '^(0+|X+|NA|NONE|NULL)$', 'name': '^(guest|unknown|anonymous|test|null|none)$',
        'loyalty_card': '^(0+|X+|NONE|NULL|UNKNOWN)$', 'device': '^(0[0-]*|null|none|unknown|undefined)$',
    }[kind] -%}
    case
        when {{ matches(value, text_literal(fits)) }} and not {{ matches(value, text_literal(no_one)) }}
            {%- if ignored %} and lower({{ value }}) not in ({{ ignored | join(', ') }}){% endif %}
            then {{ value }}
    end
{% endmacro %}
