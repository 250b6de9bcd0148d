"""The journal: an entry for each request that has ended, within bounds of count and bytes."""
