"""The commands: serve, check, explain, test, schema, init."""
