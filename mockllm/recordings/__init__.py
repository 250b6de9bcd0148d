"""Recordings: interactions with real providers, from many file formats or from the recorder, as scenario files.

The server's recorder uses this package to write files; the engine replays them without it.
"""
