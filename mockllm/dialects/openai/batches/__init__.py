"""Batches: a file of requests, and the files of their responses."""
