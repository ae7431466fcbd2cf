{{ canonical_select('order_totals') }}
