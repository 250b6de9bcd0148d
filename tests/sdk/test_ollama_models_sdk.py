"""What the unmodified ollama package makes of the calls that pull, push, create, copy and delete models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import Live, live
from tests.sdk.loopback import loopback_only

ollama = pytest.importorskip("ollama")

__all__ = ["loopback_only"]

SCENARIO = """
mockllm: 1
rules:
  - {match: {model: listed}, reply: x}
  - {match: {api: pull_model, model: gated}, error: authentication}
modifiers:
  - {match: {api: pull_model, model: broken}, faults: [{close: {after: {chunks: 2}}}]}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text(SCENARIO)
    with live(tmp_path) as built:
        yield built


@pytest.fixture
def client(server: Live) -> Iterator[Any]:
    with closing(ollama.Client(host=server.url)) as built:
        yield built


def local(client: Any) -> list[str]:
    return [entry.model for entry in client.list().models]


def test_pull_shows_progress_and_lists_the_model(client: Any) -> None:
    assert "mine:latest" not in local(client)
    parts = list(client.pull("mine", stream=True))
    statuses = [part.status for part in parts]
    assert (statuses[0], statuses[-1]) == ("pulling manifest", "success")
    done = [(part.completed, part.total) for part in parts if part.digest]
    assert done[0][0] is None
    assert done[-1][0] == done[-1][1] > 0
    assert "mine:latest" in local(client)
    assert client.pull("mine").status == "success"


def test_created_model_is_listed_and_used(client: Any, tmp_path: Path) -> None:
    parts = list(client.create("mario", from_="listed", system="You are Mario.", stream=True))
    assert [part.status for part in parts][-2:] == ["writing manifest", "success"]
    (tmp_path / "weights.gguf").write_bytes(b"GGUF")
    digest = client.create_blob(tmp_path / "weights.gguf")
    assert client.create("own", files={"weights.gguf": digest}).status == "success"
    assert {"mario:latest", "own:latest"} <= set(local(client))


def test_copied_model_outlives_its_source(client: Any) -> None:
    assert client.copy("listed", "backup:v1").status == "success"
    assert client.delete("listed").status == "success"
    assert "listed:latest" not in local(client)
    assert "backup:v1" in local(client)
    assert "listed:latest" not in [entry.model for entry in client.ps().models]
    with pytest.raises(ollama.ResponseError, match="model 'listed' not found"):
        client.show("listed")


def test_pushed_model_is_uploaded(client: Any) -> None:
    client.copy("listed", "me/listed")
    statuses = [part.status for part in client.push("me/listed", stream=True)]
    assert statuses[0] == "retrieving manifest"
    assert statuses[-2:] == ["pushing manifest", "success"]
    assert client.push("me/listed").status == "success"


def refusal(call: Any, *values: Any, **more: Any) -> tuple[int, str]:
    """Return the status and the text of the error that a call raises."""
    with pytest.raises(ollama.ResponseError) as raised:
        call(*values, **more)
    return raised.value.status_code, raised.value.error


def test_unknown_model_is_refused(client: Any) -> None:
    assert refusal(client.delete, "nope") == (404, "model 'nope' not found")
    assert refusal(client.copy, "nope", "x") == (404, 'model "nope" not found')
    assert refusal(client.push, "nope")[0] == 500
    assert refusal(client.create, "x") == (400, "neither 'from' or 'files' was specified")
    assert refusal(client.pull, "a b") == (400, "invalid model name")
    assert refusal(client.delete, "a b") == (400, 'name "a b" is invalid')


def test_error_of_a_push_is_raised_behind_its_lines(client: Any) -> None:
    parts = client.push("nope", stream=True)
    assert [next(parts).status, next(parts).status] == ["retrieving manifest", "couldn't retrieve manifest"]
    with pytest.raises(ollama.ResponseError, match="no such file or directory"):
        next(parts)


def test_rule_and_fault_decide_a_pull(client: Any) -> None:
    assert refusal(client.pull, "gated")[0] == 401
    parts = client.pull("broken", stream=True)
    assert next(parts).status == "pulling manifest"
    with pytest.raises(httpx.RemoteProtocolError):
        list(parts)
    assert "broken:latest" not in local(client)


def test_log_has_the_calls_of_models(server: Live, client: Any) -> None:
    client.pull("mine")
    client.delete("mine")
    assert server.line(lambda line: "POST /api/pull mine → ollama:pull_model 200" in line)
    assert server.line(lambda line: "DELETE /api/delete mine → ollama:delete_model 200" in line)


def test_async_client_manages_models(server: Live) -> None:
    async def manage() -> list[str]:
        client = ollama.AsyncClient(host=server.url)
        statuses = [part.status async for part in await client.pull("mine", stream=True)]
        statuses.append((await client.copy("mine", "other")).status)
        statuses.append((await client.delete("mine")).status)
        await client.close()
        return statuses

    assert asyncio.run(manage())[-3:] == ["success"] * 3
