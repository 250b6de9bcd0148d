"""Scenarios as YAML, requests to them, and what comes: a test reads like the sentence that it holds.

Everything is the real thing but for sockets: files are loaded from a folder, requests are bytes, and what is
heard is read from the bytes of the plan, with the moment of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import pytest

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import WaitStep
from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Engine, PlannedResponse
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.state.sessions import Sessions

NOW = 1_700_000_000.0
Files = str | Mapping[str, str]
"""One file's YAML, or the files of a folder by their paths."""


# --- requests ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    body: bytes = b""
    method: str = "POST"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = "127.0.0.1"
    now: float = NOW


def ask(path: str, body: Any = None, **more: Any) -> Ask:
    """A raw request: bytes and texts as they are, all else as JSON."""
    raw = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )
    return Ask(path, b"" if body is None else raw, **more)


def chat(user: Any = "hi", *, key: str | None = None, session: str | None = None, **more: Any) -> Ask:
    """An OpenAI chat completion; what is not the request's own goes into the body."""
    return _generating(
        "/v1/chat/completions", {"model": "gpt-4o"}, "authorization", "Bearer ", user, key, session, more
    )


def claude(user: Any = "hi", *, key: str | None = None, session: str | None = None, **more: Any) -> Ask:
    """An Anthropic message."""
    body = {"model": "claude-sonnet-4-5", "max_tokens": 1024}
    more["headers"] = {"anthropic-version": "2023-06-01", **more.get("headers", {})}
    return _generating("/v1/messages", body, "x-api-key", "", user, key, session, more)


def _generating(
    path: str,
    body: dict[str, Any],
    header: str,
    scheme: str,
    user: Any,
    key: str | None,
    session: str | None,
    more: dict[str, Any],
) -> Ask:
    own = {name: more.pop(name) for name in ("method", "query", "client", "now") if name in more}
    headers = dict(more.pop("headers", {}))
    if key is not None:
        headers[header] = scheme + key
    if session is not None:
        headers["x-mockllm-session"] = session
    body["messages"] = more.pop("messages", [{"role": "user", "content": user}])
    return Ask(path, json.dumps({**body, **more}).encode(), headers=headers, **own)


def models(**more: Any) -> Ask:
    """OpenAI's list of models."""
    return ask("/v1/models", method="GET", **more)


# --- what comes ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One event of a stream: when its last byte is due (seconds from the request's), its name, its data."""

    at: float
    name: str | None
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Heard:
    """What came of one request, as a client would read it."""

    def __init__(self, answer: PlannedResponse) -> None:
        self.answer = answer
        plan = answer.plan
        self.status = plan.head.status
        self.headers = {name.lower(): value for name, value in plan.head.headers}
        self.streamed = plan.streamed
        self.delay = plan.delay
        self.written: list[tuple[float, bytes]] = []
        at = plan.delay
        for item in framed(plan):
            if isinstance(item, WaitStep):
                at += item.seconds
            else:
                assert isinstance(item, bytes)
                self.written.append((round(at, 6), item))
        self.took = round(at, 6)
        self.bytes = b"".join(data for _, data in self.written)

    @property
    def rule(self) -> str | None:
        """The answering rule's name."""
        return None if self.answer.rule is None else self.answer.rule.rpartition(":")[2]

    @property
    def id(self) -> str | None:
        return self.answer.rule

    @property
    def modifiers(self) -> list[str]:
        return [id.rpartition(":")[2] for id in self.answer.modifiers]

    @property
    def notes(self) -> str:
        return "\n".join(self.answer.notes)

    @property
    def json(self) -> Any:
        return json.loads(self.bytes)

    @property
    def message(self) -> str:
        """An error's message."""
        text = self.json["error"]["message"]
        assert isinstance(text, str)
        return text

    @property
    def events(self) -> list[Event]:
        found: list[Event] = []
        text = ""
        for at, data in self.written:
            text += data.decode()
            *whole, text = text.split("\n\n")
            for block in whole:
                lines = [line.partition(": ") for line in block.split("\n") if not line.startswith(":")]
                named = {name: value for name, _, value in lines}
                if "data" in named:
                    found.append(Event(at, named.get("event"), named["data"]))
        return found

    @property
    def chunks(self) -> list[str]:
        """The texts of a stream, chunk by chunk."""
        return [text for _, text in self._said if text]

    @property
    def moments(self) -> list[float]:
        """When each chunk of text comes."""
        return [at for at, text in self._said if text]

    @property
    def _said(self) -> list[tuple[float, str]]:
        said = []
        for event in self.events:
            if event.data.startswith("{") and event.data.endswith("}"):
                said += [(event.at, text) for text in _deltas(event.json)]
        return said

    @property
    def text(self) -> str:
        """What it says, streamed or not."""
        if self.streamed:
            return "".join(self.chunks)
        body = self.json
        if "choices" in body:
            return str(body["choices"][0]["message"]["content"] or "")
        assert "content" in body, body
        return "".join(block.get("text", "") for block in body["content"])

    @property
    def choice(self) -> Any:
        """The first choice of a whole chat completion."""
        return self.json["choices"][0]

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The tool calls of a whole answer: name and arguments."""
        body = self.json
        if "choices" in body:
            calls = body["choices"][0]["message"].get("tool_calls", [])
            return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
        return [(block["name"], block["input"]) for block in body["content"] if block["type"] == "tool_use"]


def _deltas(body: dict[str, Any]) -> list[str]:
    if "choices" in body:
        return [choice["delta"].get("content") or "" for choice in body["choices"]]
    delta = body.get("delta", {})
    return [delta["text"]] if delta.get("type") == "text_delta" else []


# --- playing -------------------------------------------------------------------------------------


def gathered(
    files: Files,
    *,
    packs: Sequence[str] = (),
    sets: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    scenarios: Sequence[str] = ("s",),
) -> LoadedScenarios:
    """What is loaded of these files, which stand in the folder `s`; `scenarios` are the folders that the
    command line names, from beside it."""
    with TemporaryDirectory() as home, chdir(home):
        for name, text in ({"a.yaml": files} if isinstance(files, str) else files).items():
            path = Path("s", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        settings = ParamSettings(tuple(sets), environment or {})
        return load_scenarios(
            ScenarioSources(scenarios, packs, settings, Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
        )


def mistakes(files: Files, **more: Any) -> list[str]:
    """What is wrong with these files: `path: message` of each mistake."""
    return [f"{mistake.path}: {mistake.message}" for mistake in gathered(files, **more).diagnostics]


class Game:
    """One server's life on some files; state stays from request to request."""

    def __init__(
        self,
        files: Files,
        *,
        seed: int = 0,
        longest: float = 60.0,
        overrides: bool = False,
        max_generated: int = DEFAULT_VALUES,
        **more: Any,
    ) -> None:
        found = gathered(files, **more)
        assert [str(mistake) for mistake in found.diagnostics] == []
        catalog = run_steps(compile_catalog(found.entries))
        self.engine = Engine(
            catalog, Sessions(), seed=seed, longest=longest, overrides=overrides, max_generated=max_generated
        )

    def hear(self, asked: Ask) -> Heard:
        engine = self.engine
        headers = {name.lower(): value for name, value in asked.headers.items()}
        request = engine.read(
            asked.method, asked.path, asked.query, headers, asked.body, asked.client, asked.now
        )
        return Heard(engine.respond(request))


def play(files: Files, *asked: Ask, **more: Any) -> list[Heard]:
    """What comes of these requests, one after the other, on fresh state."""
    game = Game(files, **more)
    return [game.hear(each) for each in asked]


def first(files: Files, asked: Ask | None = None, **more: Any) -> Heard:
    """What comes of one request (a chat that says hi)."""
    return play(files, chat() if asked is None else asked, **more)[0]


def rules(files: Files, *asked: Ask, **more: Any) -> list[str | None]:
    """Which rules answer."""
    return [heard.rule for heard in play(files, *asked, **more)]


def texts(files: Files, *asked: Ask, **more: Any) -> list[str]:
    """What is said."""
    return [heard.text for heard in play(files, *asked, **more)]


def table(names: str, cases: Sequence[tuple[Any, ...]]) -> pytest.MarkDecorator:
    """A test for each case of a table, whose first column is a sentence: the case's id."""
    return pytest.mark.parametrize(
        names.split(", "), [case[1:] for case in cases], ids=[case[0] for case in cases]
    )
