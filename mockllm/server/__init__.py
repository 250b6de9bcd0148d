"""Sockets, time and files: everything that the engine must not know.

`connection` reads requests, `respond` responds, `player` plays plans, `listener` and `http_server` listen and stop.
"""
