"""Keeping a collection equal to a folder: what lies there, what that means, and doing it."""
