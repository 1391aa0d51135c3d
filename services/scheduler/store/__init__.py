"""All SQL of the scheduler, one noun a file."""
