{{ canonical_select('order_lines') }}
