"""Sockets, time and files: everything that the engine must not know.

`connection` reads requests, `respond` responds, and `player` plays plans. `connection_factory` makes connections.
`http_server` listens and stops.
"""
