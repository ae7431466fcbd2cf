"""Fit and backtest models of customer lifetime value."""

from clientele.libraries import load

load("scipy.optimize", "scipy.special", "sklearn.ensemble")
