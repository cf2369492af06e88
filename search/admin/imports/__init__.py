"""Bringing documents in: the wizard, its jobs, and the rows that failed."""
