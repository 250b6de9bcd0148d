"""Packs: fetching from folders, git, zips and wheels, locking, vendoring and building.

The scenario language only reads installed packs; the commands print the results of this package.
"""
