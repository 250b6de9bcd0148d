"""Sockets, time and files: everything that the engine must not know.

`app` composes a request's way, `player` carries out plans, `serving` listens and ends.
"""
