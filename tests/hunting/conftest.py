"""Runs of pytest inside of a test keep the packages that they import."""

from tests.testing.inner_runs import restored_modules

__all__ = ["restored_modules"]
