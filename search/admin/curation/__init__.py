"""Rules, synonyms, the log of searches, and the reports that lead to them."""
