"""A provider whose errors request a wait in a header that no other one has: Cohere, as a new provider would."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.dialects import listing

OWN = {"nimbus-wait": 0.001}
"""In milliseconds."""


def add_wait_header(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = listing.LISTED_BY_NAME["cohere"]
    monkeypatch.setitem(listed.__dict__, "provider_object", replace(listed.provider_object, wait_headers=OWN))
