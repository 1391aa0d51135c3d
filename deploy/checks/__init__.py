"""What `make check` asks of the repository besides its code: no secrets in it, no known holes in
what it stands on."""
