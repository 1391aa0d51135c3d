"""What LINE itself tells: friends, messages sent, who opened and tapped."""
