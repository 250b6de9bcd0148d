"""The simulated load of a provider: a queue, a running batch, and the waits that they cause."""
