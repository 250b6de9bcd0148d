"""Regular expressions, with a bound on the time of a search."""
