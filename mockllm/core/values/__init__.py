"""The values of a scenario file: their types, templates, draws and distributions."""
