"""The HTTP side of the scheduler: what is due, for owners and operators."""
