"""The programs of pages end without closing their clients, and runs of pytest inside of a test import packages."""

from tests.closed_clients import closed_clients
from tests.testing.inner_runs import restored_modules

__all__ = ["closed_clients", "restored_modules"]
