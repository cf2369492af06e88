"""Plain text and Markdown, and finding out how bytes became text."""
