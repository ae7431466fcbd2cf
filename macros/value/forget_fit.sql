{#-
    A hook before a Python model of `clientele.fits.fitted_once`: a full refresh empties what the last build left, so
    that the model fits again. Not on Spark, where the adapter drops the table itself.
-#}

{% macro forget_fit() -%}
    {%- if execute and flags.FULL_REFRESH and model.language == 'python' and target.type == 'duckdb' and load_relation(this) -%}
        delete from {{ this }}
    {%- endif -%}
{%- endmacro %}
