"""Topics and sentiment of reviews: what fits learn from a sample, as parameters that SQL scores."""
