"""What tills do: purchases, quotes, refunds, redemptions, service points."""
