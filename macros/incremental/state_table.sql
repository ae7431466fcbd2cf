{#-
    A table that is no model, because it changes only when a build has passed: `last_build` (one row) and
    `last_fingerprints` (`int_order_fingerprints` of that build) decide what the next build may keep; `last_fits` says which fits
    it has.
-#}

{% macro state_table(name) %}
    {{ return(intermediate_relation('int_state__' ~ name)) }}
{% endmacro %}


{#- A relation of the intermediate schema by its name, for macros that may not `ref` it. -#}

{% macro intermediate_relation(name) %}
    {{ return(api.Relation.create(
        database=target.database, schema=generate_schema_name('intermediate', none), identifier=name, type='table'
    )) }}
{% endmacro %}
