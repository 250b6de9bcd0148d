"""Runs of pytest inside of a test keep the packages that they import."""

from tests.testing.inner_runs import kept_modules

__all__ = ["kept_modules"]
