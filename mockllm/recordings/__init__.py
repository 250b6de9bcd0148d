"""Recordings: what was asked and answered once, out of files of many kinds or off the wire, as scenario files.

Apart from the server, which makes some of them, and from the engine, which plays them.
"""
