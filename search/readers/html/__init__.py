"""HTML: the main content without what surrounds it, its headings, language and metadata."""
