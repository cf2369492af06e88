"""What curators keep: collections, documents, duplicates, exports."""
