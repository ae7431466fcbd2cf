{#-
    Lists of campaigns, each of about four million customers, that are summed one after another: then one needs memory at a
    time. Campaigns that follow one another in time need the same orders. A list without campaigns stands for all of them.
    The raw table is asked, because this decides what is compiled.
-#}

{% macro campaign_blocks() %}
    {%- set table = (var('source').get('tables') or {}).get('campaigns') or {} -%}
    {%- set places = [] -%}
    {%- if execute and sum_blocks(2) > 1 -%}
        {%- if table and not table.get('seed') -%}
            {%- set imported = is_imported('campaigns') -%}
            {%- do places.append([
                'campaign_id' if imported else 'cast(' ~ mapped_value(table['columns']['campaign_id']) ~ ' as string)',
                'assigned_at' if imported else mapped_value(table['columns']['assigned_at']),
                raw_location('campaigns'),
            ]) -%}
        {%- endif -%}
        {%- if var('campaign_exports', none) -%}
            {%- do places.append(['campaign_id', 'assigned_at', read_files('campaign_exports', var('campaign_exports'))]) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set is_large = namespace(value=false) -%}
    {%- for place in places -%}
        {%- if run_query('select count(*) from ' ~ place[2]).columns[0].values()[0] | int > 4000000 -%}
            {%- set is_large.value = true -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not is_large.value -%}{{ return([[]]) }}{%- endif -%}
    {%- set blocks = [] -%}
    {%- for place in places -%}
        {%- set rows = run_query(
            'select ' ~ place[0] ~ ', count(*), min(' ~ place[1] ~ ') from ' ~ place[2]
            ~ ' where ' ~ place[0] ~ ' is not null group by 1 order by 3, 1'
        ).rows -%}
        {%- set block = namespace(names=[], size=0) -%}
        {%- for row in rows -%}
            {%- if block.size + row[1] | int > 4000000 and block.names -%}
                {%- do blocks.append(block.names) -%}
                {%- set block.names = [] -%}
                {%- set block.size = 0 -%}
            {%- endif -%}
            {%- set block.names = block.names + [row[0]] -%}
            {%- set block.size = block.size + row[1] | int -%}
        {%- endfor -%}
        {%- if block.names -%}{%- do blocks.append(block.names) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(blocks) }}
{% endmacro %}


{#- The condition that a campaign is of a block. -#}

{% macro is_in_block(campaign_id, names) -%}
    {%- if names -%}
        {{ campaign_id }} in ({% for name in names %}{{ text_literal(name) }}{{ ', ' if not loop.last }}{% endfor %})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
