"""Simulate a shop's raw order lines with planted truth: see docs/simulator.md."""
