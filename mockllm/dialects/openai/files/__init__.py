"""Files, and the parts in which they are uploaded."""
