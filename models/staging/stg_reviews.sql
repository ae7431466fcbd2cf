{{ config(enabled=has_reviews()) }}

{{ canonical_select('reviews') }}
