"""Fit and backtest models of customer lifetime value."""
