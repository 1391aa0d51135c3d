"""Reading what shops bring along: a CSV file from bytes to what each row wants. Pure."""
