"""Scenarios as YAML, requests to them, and their responses, without sockets.

Files are loaded from a folder and requests are bytes, as in a server. A response is read from the bytes of
its plan, with the time of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import pytest

from mockllm.core.batch import BatchJob, LineResponse
from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import CutStep, Framing, WaitStep
from mockllm.core.request.stored_batches import with_responses
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.selection.decision import InFlightSlot
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Engine, PlannedResponse
from mockllm.engine.request_reader import RequestReader
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.manifest import ParamSettings
from mockllm.state.engine_state import EngineState

NOW = 1_700_000_000.0
ScenarioText = str | Mapping[str, str]
"""The YAML of one file, or the files of a folder by their paths."""


# --- requests ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClientRequest:
    """One request."""

    path: str
    body: bytes = b""
    method: str = "POST"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = "127.0.0.1"
    now: float = NOW
    monotonic: float | None = None
    """The arrival on a clock that is never set; by default `now`."""


def raw_request(path: str, body: Any = None, **more: Any) -> ClientRequest:
    """Return a raw request: bytes and texts unchanged, other bodies as JSON."""
    raw = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )
    return ClientRequest(path, b"" if body is None else raw, **more)


def chat_request(
    user: Any = "hi", *, key: str | None = None, session: str | None = None, **more: Any
) -> ClientRequest:
    """Return an OpenAI chat completion request; other keywords are fields of the body."""
    return _generating_request(
        "/v1/chat/completions", {"model": "gpt-4o"}, "authorization", "Bearer ", user, key, session, more
    )


def claude_request(
    user: Any = "hi", *, key: str | None = None, session: str | None = None, **more: Any
) -> ClientRequest:
    """Return an Anthropic message request."""
    body = {"model": "claude-sonnet-4-5", "max_tokens": 1024}
    more["headers"] = {"anthropic-version": "2023-06-01", **more.get("headers", {})}
    return _generating_request("/v1/messages", body, "x-api-key", "", user, key, session, more)


def _generating_request(
    path: str,
    body: dict[str, Any],
    header: str,
    scheme: str,
    user: Any,
    key: str | None,
    session: str | None,
    more: dict[str, Any],
) -> ClientRequest:
    own = {name: more.pop(name) for name in ("method", "query", "client", "now", "monotonic") if name in more}
    headers = dict(more.pop("headers", {}))
    if key is not None:
        headers[header] = scheme + key
    if session is not None:
        headers["x-mockllm-session"] = session
    body["messages"] = more.pop("messages", [{"role": "user", "content": user}])
    return ClientRequest(path, json.dumps({**body, **more}).encode(), headers=headers, **own)


def models_request(**more: Any) -> ClientRequest:
    """Return a request for OpenAI's list of models."""
    return raw_request("/v1/models", method="GET", **more)


# --- responses ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One event of a stream: the time of its last byte (seconds from the request's), its name, its data."""

    at: float
    name: str | None
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class ClientResponse:
    """The response to one request, as a client reads it."""

    def __init__(self, planned: PlannedResponse) -> None:
        self.planned = planned
        plan = planned.plan
        self.status = plan.head.status
        self.headers = {name.lower(): value for name, value in plan.head.headers}
        self.streamed = plan.streamed
        self.delay = plan.delay
        self.timed_bytes: list[tuple[float, bytes]] = []
        self.cut = False
        at = plan.delay
        for item in framed(plan):
            if isinstance(item, WaitStep):
                at += item.seconds
            elif isinstance(item, CutStep):
                self.cut = True
            else:
                assert isinstance(item, bytes)
                self.timed_bytes.append((round(at, 6), item))
        self.took = round(at, 6)
        self.bytes = b"".join(data for _, data in self.timed_bytes)

    @property
    def rule(self) -> str | None:
        """The name of the selected rule."""
        return None if self.planned.responder_id is None else self.planned.responder_id.rpartition(":")[2]

    @property
    def id(self) -> str | None:
        return self.planned.responder_id

    @property
    def modifiers(self) -> list[str]:
        return [id.rpartition(":")[2] for id in self.planned.modifiers]

    @property
    def notes(self) -> str:
        return "\n".join(self.planned.notes)

    @property
    def json(self) -> Any:
        return json.loads(self.bytes)

    @property
    def message(self) -> str:
        """The message of an error."""
        text = self.json["error"]["message"]
        assert isinstance(text, str)
        return text

    @property
    def events(self) -> list[Event]:
        """The server-sent events, or the lines of JSON."""
        result: list[Event] = []
        text = ""
        are_lines = self.planned.plan.framing is Framing.NDJSON
        for at, data in self.timed_bytes:
            text += data.decode()
            *whole, text = text.split("\n" if are_lines else "\n\n")
            if are_lines:
                result += [Event(at, None, line) for line in whole]
                continue
            for block in whole:
                lines = [line.partition(": ") for line in block.split("\n") if not line.startswith(":")]
                named = {name: value for name, _, value in lines}
                if "data" in named:
                    result.append(Event(at, named.get("event"), named["data"]))
        return result

    @property
    def chunks(self) -> list[str]:
        """The texts of a stream, chunk by chunk."""
        return [text for _, text in self._timed_texts if text]

    @property
    def chunk_times(self) -> list[float]:
        """The time of each chunk of text."""
        return [at for at, text in self._timed_texts if text]

    @property
    def _timed_texts(self) -> list[tuple[float, str]]:
        expected_message = []
        for event in self.events:
            if event.data.startswith("{") and event.data.endswith("}"):
                expected_message += [(event.at, text) for text in _deltas(event.json)]
        return expected_message

    @property
    def text(self) -> str:
        """The text, streamed or not."""
        if self.streamed:
            return "".join(self.chunks)
        body = self.json
        if "choices" in body:
            return str(body["choices"][0]["message"]["content"] or "")
        assert "content" in body, body
        return "".join(block.get("text", "") for block in body["content"])

    @property
    def choice(self) -> Any:
        """The first choice of a non-streaming chat completion."""
        return self.json["choices"][0]

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The tool calls of a non-streaming response: name and arguments."""
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


# --- servers -------------------------------------------------------------------------------------


def load_scenario_files(
    files: ScenarioText,
    *,
    packs: Sequence[str] = (),
    sets: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    scenarios: Sequence[str] = ("s",),
) -> LoadedScenarios:
    """Load these files, which are in the folder `s`. `scenarios` are the folders that the command line names,
    relative to the parent of `s`."""
    with TemporaryDirectory() as home, chdir(home):
        for name, text in ({"a.yaml": files} if isinstance(files, str) else files).items():
            path = Path("s", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        settings = ParamSettings(tuple(sets), environment or {})
        return load_scenarios(
            ScenarioSources(scenarios, packs, settings, KnownNames(PROVIDERS, DIALECT_NAMES, APIS))
        )


def diagnostics_of(files: ScenarioText, **more: Any) -> list[str]:
    """Return the errors of these files: `path: message` of each."""
    return [
        f"{diagnostic.path}: {diagnostic.message}"
        for diagnostic in load_scenario_files(files, **more).diagnostics
    ]


class VirtualServer:
    """An engine with some files; its state persists from request to request."""

    def __init__(
        self,
        files: ScenarioText,
        *,
        seed: int = 0,
        max_wait: float = 60.0,
        allow_overrides: bool = False,
        max_generated: int = DEFAULT_VALUES,
        miss_status: int = 404,
        **more: Any,
    ) -> None:
        result = load_scenario_files(files, **more)
        assert [str(diagnostic) for diagnostic in result.diagnostics] == []
        catalog = run_steps(compile_catalog(result.entries))
        self.engine = Engine(
            catalog,
            EngineState(),
            EngineSettings(seed, max_wait, max_generated, allow_overrides, unmatched_status=miss_status),
        )
        self._readers: dict[str, RequestReader] = {}
        """The readers by the head that they read, as a server has them: they repeat what repeats."""
        self._slots: list[tuple[float, float, InFlightSlot]] = []
        """The slots of responses in limits and loads, each with the times at which it begins and ends by its plan."""

    def respond(self, sent: ClientRequest) -> ClientResponse:
        engine = self.engine
        self._end_responses(sent.now)
        headers = {name.lower(): value for name, value in sent.headers.items()}
        head = (sent.method, sent.path, sent.query, headers)
        reader = self._readers.setdefault(str(head), engine.request_reader(*head))
        request = reader.read(sent.body, sent.client, sent.now, sent.monotonic)
        planned = engine.respond(request)
        if planned.batch_job is not None:
            self._answer(planned.batch_job, sent, sent.path.removesuffix(request.path))
        if planned.slot is not None:
            self._slots.append((sent.now, sent.now + planned.longest_duration, planned.slot))
        return ClientResponse(planned)

    def _end_responses(self, now: float) -> None:
        """Release the slots of earlier requests whose plans have ended, as a server does after the last byte."""
        for began, end, slot in self._slots:
            if began < now and end <= now:
                slot.release()
        self._slots = [each for each in self._slots if each[0] == now or each[1] > now]

    def _answer(self, run: BatchJob, sent: ClientRequest, prefix: str) -> None:
        """Respond to the lines of a batch at once."""
        session = sent.headers.get("x-mockllm-session", "")
        responses = []
        for line in run.lines:
            if line.refused is not None:
                responses.append(line.refused)
                continue
            response = self.respond(replace(sent, path=prefix + line.path, body=line.body))
            id = response.headers.get("x-request-id") or response.headers.get("request-id")
            responses.append(LineResponse(response.status, response.bytes, id, response.cut))
        batch = self.engine.stored(session, run.id)
        assert isinstance(batch, StoredObject)
        now = sent.now if sent.monotonic is None else sent.monotonic
        self.engine.apply_storage_update(
            session, StorageUpdate((run.id,), with_responses(batch, responses, now))
        )


def respond_all(files: ScenarioText, *sent: ClientRequest, **more: Any) -> list[ClientResponse]:
    """Return the responses to these requests, one after another, on fresh state."""
    server = VirtualServer(files, **more)
    return [server.respond(each) for each in sent]


def respond_once(files: ScenarioText, sent: ClientRequest | None = None, **more: Any) -> ClientResponse:
    """Return the response to one request (a chat with the text hi by default)."""
    return respond_all(files, chat_request() if sent is None else sent, **more)[0]


def rule_names(files: ScenarioText, *sent: ClientRequest, **more: Any) -> list[str | None]:
    """Return the names of the selected rules."""
    return [response.rule for response in respond_all(files, *sent, **more)]


def response_texts(files: ScenarioText, *sent: ClientRequest, **more: Any) -> list[str]:
    """Return the texts of the responses."""
    return [response.text for response in respond_all(files, *sent, **more)]


def cases(names: str, cases: Sequence[tuple[Any, ...]]) -> pytest.MarkDecorator:
    """Return a test for each case of a table, whose first column is the id of the case."""
    return pytest.mark.parametrize(
        names.split(", "), [case[1:] for case in cases], ids=[case[0] for case in cases]
    )
