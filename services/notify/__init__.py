"""notify: what is said to whom in LINE, once. README.md beside this file is its one page."""
