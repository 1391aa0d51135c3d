"""What events ask notify to say to one person."""
