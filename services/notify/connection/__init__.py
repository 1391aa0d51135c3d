"""Whether LINE and the shop reach each other: each step of the set-up, looked at live."""
