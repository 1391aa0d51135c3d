"""What LINE takes, written down once: the sandbox refuses by it, notify checks by it beforehand."""
