"""The control API under `/api`: shows the requests of a running server and changes its behaviour.

The request path does not import this package; the server loads it with the first call.
"""
