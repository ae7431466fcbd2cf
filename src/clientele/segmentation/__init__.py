"""Segment customers, keep segments the same over refits, and describe them."""

from clientele.libraries import load

load("scipy.cluster.hierarchy", "scipy.optimize", "scipy.spatial.distance", "sklearn.cluster")
load("sklearn.metrics", "sklearn.mixture", "sklearn.neighbors", "sklearn.tree")
