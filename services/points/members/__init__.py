"""Who the members are: joining, names, merging, what they ask in chat."""
