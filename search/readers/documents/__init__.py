"""Readers whose file is one document, or a few: DOCX, EPUB, mail, PDF, and what such documents have in common."""
