"""One message to many: counted, confirmed, sent once to each, and accounted for."""
