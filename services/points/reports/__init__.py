"""What the shop's days came to, and what needs attention."""
