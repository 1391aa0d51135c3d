"""How people come to the shop's LINE account, and what becomes of it."""
