"""Readers whose file is many rows: CSV, JSON, JSON Lines, XLSX."""
