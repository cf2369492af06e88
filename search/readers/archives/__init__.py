"""Archives: their entries become files of their own; names in them are never paths."""
