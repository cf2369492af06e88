"""Index versions: what they are, compared, activated, taken back; and what waits to be applied."""
