"""Counts that several processes share: decisions by one script of a Valkey or Redis server."""
