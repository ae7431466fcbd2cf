"""The dashboard: static pages of one publication. One module per page names its tables."""
