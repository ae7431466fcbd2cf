"""Mine association rules from baskets, and judge them."""

from clientele.libraries import load

load("scipy.sparse", "scipy.special")
