"""Gemini's file search: stores, their documents, and what the tool finds in them."""
