"""Mine association rules from baskets, and judge them."""
