{{ config(enabled=has_customer_attributes()) }}

{{ listed_customers() }}
