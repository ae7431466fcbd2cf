{#-
    Called when a run ends: completes the build's row of `rpt_build_changes`. If every table that builds continue is now
    of this run, the next build compares the source with what this one read. If nothing failed, what the build tells about
    customers is kept for `rpt_restatements`.
-#}

{% macro finish_build(results) %}
    {%- if not execute or target.type == 'spark' or not builds_orders() -%}
        {{ return('') }}
    {%- endif -%}
    {%- set passed = {} -%}
    {%- for result in results if result.status == 'success' -%}
        {%- do passed.update({result.node.name: result.node}) -%}
    {%- endfor -%}
    {%- if 'rpt_build_changes' in passed -%}
        {%- do tell_build(results, passed['rpt_build_changes'].relation_name) -%}
    {%- endif -%}
    {%- set needed = ['int_as_of_dates', 'int_order_fingerprints', 'int_changed_orders', 'int_touched_customers', 'int_touched_orders'] -%}
    {%- for id in continued_models() -%}{%- do needed.append(id.split('.')[-1]) -%}{%- endfor -%}
    {%- if needed | reject('in', passed) | list or invocation_args_dict.get('empty') -%}
        {{ return('') }}
    {%- endif -%}
    {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list -%}
    {%- if not failed and 'rpt_restatements' in passed -%}
        {%- do keep_told() -%}
    {%- endif -%}
    {%- set last_build = state_table('last_build') -%}
    {%- do run_query(
        "begin; "
        ~ "create or replace table " ~ state_table('last_fingerprints') ~ " as select * from "
        ~ intermediate_relation('int_order_fingerprints') ~ "; "
        ~ "delete from " ~ last_build ~ "; "
        ~ "insert into " ~ last_build ~ " select " ~ text_literal(invocation_id) ~ ", "
        ~ text_literal(build_configuration()) ~ ", as_of_date, cast('" ~ extract_date() ~ "' as date) from "
        ~ intermediate_relation('int_as_of_dates') ~ " where is_current; "
        ~ "commit"
    ) -%}
{% endmacro %}


{#- Adds to the build's row of `rpt_build_changes` the seconds of each phase, and what was fitted and why. -#}

{% macro tell_build(results, build_changes) %}
    {%- set seconds, fits = {}, [] -%}
    {%- for result in results -%}
        {%- set node = result.node -%}
        {%- set phase = node.fqn[2] if node.resource_type == 'model' else 'checks' if node.resource_type == 'test' else none -%}
        {%- if phase in build_phases() -%}
            {%- do seconds.update({phase: seconds.get(phase, 0) + result.execution_time}) -%}
        {%- endif -%}
        {%- if node.resource_type == 'model' and result.status == 'success' and 'fit_reason' in node.columns -%}
            {%- do fits.append(
                "select '" ~ node.name ~ "' as model, max(fit_reason) as fit_reason, max(md5(fitted_on)) as fitted from "
                ~ node.relation_name
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set last_fits = state_table('last_fits') -%}
    {%- do run_query("create table if not exists " ~ last_fits ~ " (model varchar, fit_reason varchar, fitted varchar)") -%}
    {%- set changes = [] -%}
    {%- for phase in build_phases() -%}
        {%- do changes.append(phase ~ '_seconds = ' ~ (seconds.get(phase, 0) | round(3))) -%}
    {%- endfor -%}
    {%- do run_query(
        "begin; "
        ~ "create or replace temp table fits as " ~ (fits | join(' union all ') or 'from ' ~ last_fits ~ ' limit 0') ~ "; "
        ~ "update " ~ build_changes ~ " set " ~ changes | join(', ') ~ ", fits = ("
        ~ "select string_agg(concat(fits.model, ' (', fits.fit_reason, ')'), '; ' order by fits.model) "
        ~ "from fits left join " ~ last_fits ~ " as last_fits on fits.model = last_fits.model "
        ~ "where fits.fitted <> coalesce(last_fits.fitted, '')) "
        ~ "where build_id = " ~ text_literal(invocation_id) ~ "; "
        ~ "delete from " ~ last_fits ~ " where model in (select model from fits); "
        ~ "insert into " ~ last_fits ~ " from fits; "
        ~ "commit"
    ) -%}
{% endmacro %}
