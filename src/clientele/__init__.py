"""Customer segmentation that lives in the warehouse: the algorithms and the command line."""
