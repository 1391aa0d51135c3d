"""The month's quota of LINE messages as a budget: what may go, what it costs, how long it lasts."""
