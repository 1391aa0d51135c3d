"""How the shop looks to its customers: its name, colour, logo and picture on their pages."""
