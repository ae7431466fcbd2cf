{{ canonical_select('products') }}
