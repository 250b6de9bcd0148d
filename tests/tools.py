"""Programs that some tests need and a machine may not have.

Without one its tests are skipped. Where no person watches (`CI=true`) they fail, so that a run that tests
less than it should is not green.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from typing import Final, NoReturn

import pytest

OPTIONAL = frozenset({"go", "java", "mvn"})
"""Programs whose tests are skipped in CI, too: they run examples of pages, and the clients for these languages."""


OLDER_AIOHTTP: Final = version("aiohttp").startswith("3.13.")
"""Whether the older of the two minor versions of aiohttp is here that the server takes."""


def absent(what: str) -> NoReturn:
    """Skip the running test, or fail it in CI. `what` says what is missing and how to get it."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what} (CI is set, so this is a failure)", pytrace=False)
    pytest.skip(what)


def require(program: str) -> None:
    """Skip the running test if a program is not installed, or fail it in CI."""
    if shutil.which(program) is not None:
        return
    if program in OPTIONAL:
        pytest.skip(f"{program} is not installed")
    absent(f"{program} is not installed")
