"""The programs of pages end without closing their clients."""

from tests.closed_clients import closed_clients

__all__ = ["closed_clients"]
