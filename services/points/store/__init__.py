"""All of the points service's SQL, one noun a file. Nothing here decides, commits or publishes."""
