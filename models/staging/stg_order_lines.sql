{{ settled_lines(canonical_select('order_lines')) }}
