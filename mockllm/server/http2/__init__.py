"""HTTP/2: each stream is served by a separate `Connection`, on a transport in memory.

The frames that a client sends on a stream become a request of HTTP/1.1, and the response's bytes become frames. So
every rule, fault, bound and record holds for HTTP/2 without a second way through the server.
"""
