"""Templates: how one is compiled, its scope, its filters, and its text for a request."""
