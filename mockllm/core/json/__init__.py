"""JSON: its types, parsing with bounds, writing, JSONPath and JSON schemas."""
