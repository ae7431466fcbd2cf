{#-
    Blocks of campaigns that are summed one after another, because joins and groups of few million customers are fast and need
    little memory. Each has the `names` of its campaigns, which follow one another in time, and the `first_date` and
    `last_date` of their assignments. If that is one day, and their windows are equally long, the block has the `day` and the
    `window_days`. The block {} stands for all campaigns. The raw tables are asked, because this decides
    what is compiled.
-#}

{% macro campaign_blocks() %}
    {%- set size = var('campaigns_block_size') -%}
    {%- set table = (var('source').get('tables') or {}).get('campaigns') or {} -%}
    {%- set places = [] -%}
    {%- if execute and sum_blocks(2) > 1 -%}
        {%- if table and not table.get('seed') -%}
            {%- set imported = is_imported('campaigns') -%}
            {%- do places.append([
                'campaign_id' if imported else 'cast(' ~ mapped_value(table['columns']['campaign_id']) ~ ' as string)',
                'assigned_at' if imported else try_timestamp(mapped_value(table['columns']['assigned_at'])),
                raw_location('campaigns'),
            ]) -%}
        {%- endif -%}
        {%- if var('campaign_exports', none) -%}
            {%- do places.append(['campaign_id', 'assigned_at', read_files('campaign_exports', var('campaign_exports'))]) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set assigned = [] -%}
    {%- for place in places -%}
        {%- do assigned.append('select ' ~ place[0] ~ ' as campaign_id, cast(' ~ place[1] ~ ' as date) as assigned_date from ' ~ place[2]) -%}
    {%- endfor -%}
    {%- set rows = run_query(
        'select campaign_id, count(*), min(assigned_date), max(assigned_date) from (' ~ assigned | join(' union all ')
        ~ ') as assigned where assigned_date is not null group by campaign_id order by 3, 1'
    ).rows if assigned else [] -%}
    {%- set blocks = [] -%}
    {%- set last = namespace(size=size, largest=0) -%}
    {%- for row in rows if row[0] is not none -%}
        {%- set window = (var('campaigns_windows') or {}).get(row[0], var('campaigns_window_days')) | int -%}
        {%- set day = row[2] if row[2] == row[3] -%}
        {%- set last.largest = [last.largest, row[1] | int] | max -%}
        {#- A large campaign of one day is faster without campaigns of other days. -#}
        {%- set is_apart = blocks and last.largest >= size / 4 and (blocks[-1]['day'] != day or blocks[-1]['window_days'] != window) -%}
        {%- if last.size + row[1] | int > size or is_apart or not blocks -%}
            {%- do blocks.append({'names': [], 'first_date': row[2], 'last_date': row[3], 'day': day, 'window_days': window}) -%}
            {%- set last.size = 0 -%}
            {%- set last.largest = row[1] | int -%}
        {%- endif -%}
        {%- if blocks[-1]['day'] != day or blocks[-1]['window_days'] != window -%}
            {%- do blocks[-1].update({'day': none}) -%}
        {%- endif -%}
        {%- do blocks[-1]['names'].append(row[0]) -%}
        {%- do blocks[-1].update({'last_date': [blocks[-1]['last_date'], row[3]] | max}) -%}
        {%- set last.size = last.size + row[1] | int -%}
    {%- endfor -%}
    {{ return(blocks if blocks | length > 1 else [{}]) }}
{% endmacro %}


{#- The condition that a campaign is of a block. -#}

{% macro is_in_block(campaign_id, block) -%}
    {%- if block -%}
        {{ campaign_id }} in ({% for name in block['names'] %}{{ text_literal(name) }}{{ ', ' if not loop.last }}{% endfor %})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#- The condition that an order's day counts for a campaign of a block, or may count. -#}

{% macro is_day_of_block(order_date, block) -%}
    {%- if block -%}
        {%- set windows = [var('campaigns_window_days')] + (var('campaigns_windows') or {}).values() | map('int') | list -%}
        {{ order_date }} >= {{ dbt.dateadd('day', -var('campaigns_covariate_days'), "cast('" ~ block['first_date'] ~ "' as date)") }}
        and {{ order_date }} < {{ dbt.dateadd('day', windows | max, "cast('" ~ block['last_date'] ~ "' as date)") }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
