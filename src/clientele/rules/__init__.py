"""Mine association rules from baskets, and evaluate them."""

from clientele.libraries import load

load("scipy.sparse", "scipy.special")
