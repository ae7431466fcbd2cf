"""Segment customers, keep segments the same over refits, and describe them."""
