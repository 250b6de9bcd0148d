"""A reply, before a dialect encodes it, with its chunks, log probabilities and embeddings."""
