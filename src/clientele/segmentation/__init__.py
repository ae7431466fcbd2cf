"""Segment customers, keep segments the same over refits, and describe them."""

from clientele.libraries import load

load("scipy.cluster.hierarchy", "scipy.optimize", "sklearn.cluster", "sklearn.mixture")
load("sklearn.metrics", "sklearn.neighbors", "sklearn.tree")
