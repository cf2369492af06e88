"""What curators change in a result: rules and synonyms, and which queries they are for."""
