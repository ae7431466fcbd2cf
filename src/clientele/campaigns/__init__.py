"""Read the results of campaigns: effects with intervals, checks, and verdicts in words."""

from clientele.libraries import load

load("scipy.stats")
