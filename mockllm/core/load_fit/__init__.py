"""A `load` that behaves as a benchmark of a real server has measured. Pure: results come in as bytes."""
