"""Segment customers, keep segments the same over refits, and describe them."""

from clientele.libraries import load

load("scipy.spatial.distance")
