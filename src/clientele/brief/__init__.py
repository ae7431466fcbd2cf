"""The Monday page: what has really changed between two publications, and what to do next."""
