"""People who work at the shop: signing in, sessions, roles, what they did."""
