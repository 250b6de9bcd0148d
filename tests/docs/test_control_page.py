"""docs/control.md: every call and option of the control API is on it, and what it shows works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.scenario.yaml_reader import read_source
from mockllm.server.control.models.journal import RequestQuery
from mockllm.server.control.routes import ROUTES
from tests.server.control.live_server import Steered, steered

PAGE = (Path(__file__).parents[2] / "docs/control.md").read_text()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": "rules: [{name: out-of-credit, reply: hi}]\n"}) as built:
        yield built


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_every_path_is_on_it(path: str) -> None:
    """As a whole, or its end of two names or more behind a path that is."""
    begin = path.partition("/{")[0]
    tail = begin.split("/")[3:]
    named = begin in PAGE or (len(tail) > 1 and f"/{'/'.join(tail)}" in PAGE)
    assert named, f"name {path} in docs/control.md"


@pytest.mark.parametrize("name", RequestQuery.model_fields)
def test_every_filter_is_on_it(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_expectations_of_page_are_accepted(server: Steered) -> None:
    (block,) = re.findall(r"```yaml\n# expectations.yaml\n(.*?)```", PAGE, re.S)
    got = server.call("POST", "/api/verify", read_source(block, "expectations").data)
    assert got.status == 200, got.text


CALLS = re.findall(
    r"^curl (?:-s )?(?:-X (\w+) )?'?localhost:8080([^\s']+)'?(?: (?:-d|--data-binary) '([^']*)')?", PAGE, re.M
)


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[f"{m} {p} {b}" for m, p, b in CALLS])
def test_control_page_calls_succeed(server: Steered, method: str, path: str, body: str) -> None:
    for _ in range(12):
        server.ask("hello")
    server.call("POST", "/api/rules", {"name": "rule-1", "reply": "x"} if method == "DELETE" else "")
    got = server.call(method or "GET", path, body or None)
    assert got.status == 200, got.text


def test_page_has_calls() -> None:
    assert len(CALLS) >= 9
