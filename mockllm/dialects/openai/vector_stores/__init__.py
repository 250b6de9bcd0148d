"""OpenAI's vector stores: stores, their files, batches of files, and the search."""
