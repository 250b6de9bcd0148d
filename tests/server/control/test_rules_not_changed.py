"""Calls whose new rules the worker processes do not take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.scenario.catalog import Catalog
from mockllm.server.engine_builder import LoadedRules
from mockllm.server.reload import NotChanged
from tests.server.control.live_server import EXAMPLE, Steered, steered

REASON = "worker 2 does not respond"


async def refuse(catalog: Catalog, rules: LoadedRules) -> None:
    raise NotChanged(REASON)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": EXAMPLE}, activate=refuse) as built:
        yield built


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/reload", None),
        ("POST", "/api/rules", {"name": "mine", "reply": "y"}),
        ("PUT", "/api/rules/mine", {"reply": "y"}),
        ("PATCH", "/api/config/global", {"delay": "1ms"}),
    ],
)
def test_refused_rules_are_a_503(server: Steered, method: str, path: str, body: object) -> None:
    got = server.call(method, path, body)
    assert (got.status, got.json["detail"]) == (503, f"The rules were not changed: {REASON}.")
    assert server.reply_text("hello") == "Hello you."


def test_refused_rules_of_a_written_file_are_a_503(server: Steered) -> None:
    digest = server.call("GET", "/api/files/a.yaml").json["digest"]
    got = server.call("PUT", f"/api/files/a.yaml?digest={digest}", "rules: [{reply: New.}]")
    detail = f"a.yaml was written, but the rules were not changed: {REASON}."
    assert (got.status, got.json["detail"]) == (503, detail)
    assert (server.folder / "a.yaml").read_text() == "rules: [{reply: New.}]"
    assert server.reply_text("hello") == "Hello you."
