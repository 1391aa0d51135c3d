"""What may be said when: the owner's settings of messages, and what people stopped."""
