"""What may take part in a search at all: filters, scope, and the facets that offer filters."""
