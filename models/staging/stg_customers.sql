{{ config(enabled=lists_customers()) }}

{{ listed_customers() }}
