"""Providers and their protocols: a folder for each provider or protocol, and a row for each vendor.

The folders contain all facts about providers; a test holds that no other code names one.
"""
