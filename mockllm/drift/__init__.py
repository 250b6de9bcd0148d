"""`mockllm drift`: compares a live provider, or recordings of one, with this server."""
