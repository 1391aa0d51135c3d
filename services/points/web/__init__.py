"""The points service over HTTP: the API of the contract, and the member card."""
