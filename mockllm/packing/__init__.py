"""Packs on their way: fetched from folders, git, zips and wheels, locked, vendored, built.

Above the language, which only reads packs that are here, and below the commands: nothing here prints.
"""
