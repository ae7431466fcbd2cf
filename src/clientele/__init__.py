"""Customer segmentation in the warehouse: the algorithms and the command line."""
