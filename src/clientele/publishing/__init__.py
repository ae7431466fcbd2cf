"""Publish the marts of a build that passed: copies that people read while the next build runs."""
