"""Every row of docs/switching.md is run: the middle column is what is asked, the right one what must come."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.options import SERVING, settled
from mockllm.core.events import sent
from mockllm.core.hash import older_hash, request_hash
from mockllm.core.json import dumps, loads
from mockllm.core.limits import STRATEGIES
from mockllm.core.plan import Data, Plan, Raw, Wait
from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Answer, Engine
from mockllm.recordings.importing import imported
from mockllm.recordings.material import Material
from mockllm.recordings.writing import Reader
from mockllm.scenario.compiling import compile_catalog, finished
from mockllm.scenario.gathering import Wanted, gather
from mockllm.scenario.pack import Settings
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.state.sessions import Sessions
from tests.core.test_hash import POEM

PAGE = Path(__file__).parents[2] / "docs" / "switching.md"
VOCABULARY = Vocabulary(PROVIDERS, DIALECT_NAMES, APIS)


class Asked:
    """What one request to a server with this pack and environment gives."""

    def __init__(
        self,
        pack: str,
        query: str = "",
        model: str = "gpt-4o",
        environment: dict[str, str] | None = None,
        raw: bytes | None = None,
        scenarios: Path | None = None,
        **body: Any,
    ) -> None:
        folders = () if scenarios is None else (str(scenarios),)
        gathered = gather(Wanted(folders, (pack,), Settings((), environment or {}), VOCABULARY))
        assert not gathered.mistakes
        self.engine = engine = Engine(finished(compile_catalog(gathered.entries)), Sessions())
        if raw is None:
            raw = dumps({"model": model, "messages": [{"role": "user", "content": "Say it back."}], **body})
        self.request = engine.read(
            "POST", "/v1/chat/completions", query.lstrip("?"), {}, raw, "127.0.0.1", 1.7e9
        )
        self.answer: Answer = engine.answer(self.request)
        self.plan: Plan = self.answer.plan
        self.status = self.plan.head.status

    def again(self, count: int, after: float = 0.0) -> list[int]:
        """The statuses of so many more such requests, that much later."""
        self.request.now += after
        return [self.engine.answer(self.request).status for _ in range(count)]

    @property
    def body(self) -> Any:
        (step,) = (step for step in self.plan.steps if isinstance(step, Data))
        return loads(step.payload)

    @property
    def text(self) -> str:
        return str(self.body["choices"][0]["message"]["content"])

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.body["error"])

    @property
    def chunks(self) -> list[str]:
        written = b"".join(
            step.data if isinstance(step, Raw) else b"data: %b\n\n" % step.payload
            for step in self.plan.steps
            if isinstance(step, (Raw, Data))
        )
        found = re.findall(rb"data: (\{.*\})\n\n", written)
        said = [loads(event)["choices"] for event in found]
        return [
            choices[0]["delta"]["content"]
            for choices in said
            if choices and choices[0]["delta"].get("content")
        ]

    @property
    def waits(self) -> list[float]:
        return [step.seconds for step in self.plan.steps if isinstance(step, Wait)]


def hello() -> None:
    found = Asked("request-controls")
    assert found.text == "Hello! I'm a mock LLM response. How can I help you today?"
    usage = found.body["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 15, 25)


SAID = ["Hello", " from", " streaming", " mock", " provider", "!"]


def streamed() -> None:
    found = Asked("request-controls", stream=True)
    assert found.chunks == SAID
    assert found.waits == [pytest.approx(0.1)] * 5


def delayed() -> None:
    assert Asked("request-controls", "?delay=250").plan.delay == pytest.approx(0.25)
    assert Asked("request-controls", "?delay=250&fail=500").plan.delay == pytest.approx(0.25)


def rate_limited() -> None:
    found = Asked("request-controls", "?fail=429")
    assert found.status == 429
    assert found.error == {
        "message": "Rate limit exceeded",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }


def server_error() -> None:
    found = Asked("request-controls", "?fail=500")
    assert (found.status, found.error["type"], found.error["code"], found.error["message"]) == (
        500, "server_error", "internal_error", "Internal server error",
    )  # fmt: skip


def any_status() -> None:
    for status in (400, 418, 503, 599):
        assert Asked("request-controls", f"?fail={status}").status == status


def timed_out() -> None:
    found = Asked("request-controls", "?fail=timeout")
    assert (found.plan.delay, found.status) == (30.0, 504)
    assert (found.error["type"], found.error["message"]) == ("timeout_error", "Gateway timeout")


def streamed_unasked() -> None:
    assert Asked("request-controls", "?stream=true", stream=False).chunks == SAID


def broken() -> None:
    found = Asked("request-controls", "?stream=true&fail_chunk=3")
    last = found.plan.steps[-1]
    assert isinstance(last, Data)
    assert last.payload == b'{"broken": '
    assert found.chunks == SAID[:2]


def refused() -> None:
    found = Asked("request-controls", "?delay=abc")
    assert (found.status, found.error["param"]) == (400, "delay")


def with_environment(assignment: str, **body: Any) -> Asked:
    name, _, value = assignment.partition("=")
    fixed = {"DEFAULT_RESPONSE": "twenty-two characters.", "STREAM_JITTER_MS": "0", name: value}
    return Asked("default", environment=fixed, **body)


def fixed_response() -> None:
    assert with_environment("DEFAULT_RESPONSE=Fine.").text == "Fine."


WEATHER: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]


def called(found: Asked) -> list[Any]:
    calls = found.body["choices"][0]["message"].get("tool_calls", [])
    return [loads(call["function"]["arguments"]) for call in calls]


def tool_called() -> None:
    for chance in ("1", ""):
        (arguments,) = called(Asked("default", environment={"TOOL_CALL_PROBABILITY": chance}, tools=TOOLS))
        assert list(arguments) == ["city"]
    assert called(Asked("default", environment={"TOOL_CALL_PROBABILITY": "0"}, tools=TOOLS)) == []
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    environment = {"TOOL_CALL_PROBABILITY": "1"}
    found = Asked("default", environment=environment, tools=TOOLS, messages=history)
    assert called(found) == []
    assert found.text


def structured() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER}}
    assert list(loads(Asked("default", response_format=wanted).text)) == ["city"]


def first_delay() -> None:
    assert with_environment("STREAM_INITIAL_DELAY_MS=700", stream=True).waits == pytest.approx(
        [0.7, 0.05, 0.05]
    )
    assert with_environment("STREAM_JITTER_MS=0", stream=True).waits == pytest.approx([0.3, 0.05, 0.05])


def gap() -> None:
    assert with_environment("STREAM_DELAY_MS=20", stream=True).waits == pytest.approx([0.3, 0.02, 0.02])


def no_jitter() -> None:
    assert with_environment("STREAM_JITTER_MS=0", stream=True).waits == pytest.approx([0.3, 0.05, 0.05])
    jittered = with_environment("STREAM_JITTER_MS=30", stream=True).waits
    assert all(0.05 <= wait <= 0.08 for wait in jittered[1:])
    assert len(set(jittered)) == 3


def chunk_size() -> None:
    assert with_environment("STREAM_CHUNK_SIZE=5", stream=True).chunks == [
        "twent",
        "y-two",
        " char",
        "acter",
        "s.",
    ]
    assert len(with_environment("STREAM_CHUNK_SIZE=10", stream=True).chunks) == 3


def limited(*assignments: str) -> Asked:
    """The first of several requests under a rate limit."""
    named = dict(assignment.split("=") for assignment in ("RATE_LIMIT_ENABLED=true", *assignments))
    return Asked("default", environment=named)


def limit_enabled() -> None:
    assert limited().again(6) == [200] * 4 + [429] * 2
    assert Asked("default").again(20) == [200] * 20


def limit_mode() -> None:
    for mode in STRATEGIES:
        for name in {mode, mode.replace("-", "_")}:
            counted = mode in ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
            found = limited(f"RATE_LIMIT_MODE={name}", "RATE_LIMIT_REQUESTS=1", "RATE_LIMIT_AFTER_N=1")
            if mode == "random":
                assert 10 < found.again(100).count(429) < 60
            else:
                assert found.status == (429 if mode == "always" else 200)
                assert found.again(1) == [200 if mode == "none" else 429]
                assert found.again(1, 60.0) == [200 if counted or mode == "none" else 429]


def limit_after() -> None:
    assert limited("RATE_LIMIT_AFTER_N=2").again(2) == [200, 429]


def limit_random() -> None:
    found = limited("RATE_LIMIT_MODE=random", "RATE_LIMIT_RANDOM_PROBABILITY=1")
    assert [found.status, *found.again(9)] == [429] * 10


def limit_requests() -> None:
    assert limited("RATE_LIMIT_MODE=fixed_window", "RATE_LIMIT_REQUESTS=3").again(3) == [200, 200, 429]
    assert limited("RATE_LIMIT_MODE=fixed_window").again(10) == [200] * 9 + [429]


def limit_window() -> None:
    found = limited("RATE_LIMIT_MODE=sliding-window", "RATE_LIMIT_REQUESTS=1", "RATE_LIMIT_WINDOW_MS=1000")
    assert (found.again(1, 0.5), found.again(1, 0.5)) == ([429], [200])


def port() -> None:
    assert settled(Namespace(), SERVING, {"PORT": "3000"})["port"] == 3000
    assert settled(Namespace(), SERVING, {})["port"] == 8080


def echo() -> None:
    assert Asked("error-models").text == "Say it back."


def credit() -> None:
    found = Asked("error-models", model="credit-error")
    assert (found.status, found.error["code"], found.error["param"]) == (402, "insufficient_quota", None)


def retired() -> None:
    found = Asked("error-models", model="deprecated-model")
    assert (found.status, found.error["code"]) == (404, "model_not_found")
    assert "has been deprecated" in found.error["message"]


def too_long() -> None:
    assert Asked("error-models", environment={"CONTEXT_WINDOW": "8000"}).status == 200
    found = Asked("error-models", environment={"CONTEXT_WINDOW": "5"})
    assert (found.status, found.error["code"]) == (400, "context_length_exceeded")
    assert "is 5 tokens. However, your messages resulted in 10 tokens" in found.error["message"]


def named() -> None:
    wanted = {"rate-limit-error": 429, "auth-error": 401, "overloaded-error": 503}
    wanted |= {"context-length-error": 400, "timeout-error": 504}
    assert {model: Asked("error-models", model=model).status for model in wanted} == wanted


def load() -> None:
    found = Asked("benchmark", raw=b"")
    assert found.chunks[:2] == ["Hello", " world"]
    assert len(found.chunks) == 18
    assert found.waits == pytest.approx([0.05] * 17)


def count() -> None:
    for chunks in (0, 1, 5625):
        found = Asked("benchmark", environment={"CHUNK_COUNT": str(chunks), "CHUNK_DELAY_MS": "0"})
        assert len(found.chunks) == chunks


def no_gap() -> None:
    assert Asked("benchmark", environment={"CHUNK_DELAY_MS": "0"}).waits == []
    assert Asked("benchmark", environment={"CHUNK_DELAY_MS": "5625"}).waits == [5.625] * 17


def by_hash(tmp_path: Path) -> None:
    hash = request_hash(Asked("default").request)
    rule = {"name": "again", "match": {"hash": hash}, "reply": "as recorded"}
    (tmp_path / "recorded.yaml").write_bytes(dumps({"rules": [rule]}))
    assert Asked("default", scenarios=tmp_path).text == "as recorded"
    assert Asked("default", scenarios=tmp_path, temperature=1).text != "as recorded"


def by_older_hash(tmp_path: Path) -> None:
    older = older_hash(Asked("default").request)
    assert older is not None
    rule = {"name": "again", "match": {"hash": older}, "reply": "as recorded"}
    (tmp_path / "recorded.yaml").write_bytes(dumps({"rules": [rule]}))
    assert Asked("default", scenarios=tmp_path).text == "as recorded"


SAID_THEN: dict[str, Any] = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "recorded"}}]
}


def cassette(tmp_path: Path) -> None:
    request: dict[str, Any] = {
        "method": "POST",
        "uri": "https://api.openai.com/v1/chat/completions",
        "headers": {},
    }
    request["body"] = Asked("default").request.raw_text
    response: dict[str, Any] = {
        "status": {"code": 200},
        "headers": {},
        "body": {"string": dumps(SAID_THEN).decode()},
    }
    file = Material("cassette.yaml", dumps({"interactions": [{"request": request, "response": response}]}))
    (tmp_path / "recorded.yaml").write_text(imported(file, Reader()).text, encoding="utf-8")
    assert b'"recorded"' in sent(Asked("default", scenarios=tmp_path).plan)


def recorded(tmp_path: Path, **how: str) -> Asked:
    frames = [{"at": "100ms", "data": dumps(SAID_THEN).decode()}]
    replay = {"headers": {"content-type": "application/json"}, "frames": frames, **how}
    (tmp_path / "recorded.yaml").write_bytes(dumps({"rules": [{"replay": replay}]}))
    return Asked("default", scenarios=tmp_path)


def at_its_times(tmp_path: Path) -> None:
    assert recorded(tmp_path).plan.delay == 0.1
    assert recorded(tmp_path, timing="2x").plan.delay == 0.05


def said_anew(tmp_path: Path) -> None:
    assert recorded(tmp_path, **{"as": "reply"}).text == "recorded"


def poems() -> None:
    poem = "A function stood before a glass"
    assert poem in sent(Asked("recordings", raw=dumps(POEM)).plan).decode()
    assert Asked("recordings").status == 404


ROWS: dict[str, Callable[..., None]] = {
    "a plain request": hello,
    '`"stream": true`': streamed,
    "`?delay=MS`": delayed,
    "`?fail=429`": rate_limited,
    "`?fail=500`": server_error,
    "`?fail=CODE`": any_status,
    "`?fail=timeout`": timed_out,
    "`?stream=true`": streamed_unasked,
    "`?fail_chunk=N`": broken,
    "a bad value": refused,
    "`DEFAULT_RESPONSE`": fixed_response,
    "`TOOL_CALL_PROBABILITY`": tool_called,
    "`response_format`": structured,
    "`STREAM_INITIAL_DELAY_MS`": first_delay,
    "`STREAM_DELAY_MS`": gap,
    "`STREAM_JITTER_MS`": no_jitter,
    "`STREAM_CHUNK_SIZE`": chunk_size,
    "`RATE_LIMIT_ENABLED`": limit_enabled,
    "`RATE_LIMIT_MODE`": limit_mode,
    "`RATE_LIMIT_AFTER_N`": limit_after,
    "`RATE_LIMIT_RANDOM_PROBABILITY`": limit_random,
    "`RATE_LIMIT_REQUESTS`": limit_requests,
    "`RATE_LIMIT_WINDOW_MS`": limit_window,
    "`PORT`": port,
    "any message": echo,
    "model `credit-error`": credit,
    "a model that is gone": retired,
    "a prompt that is too long": too_long,
    "an error for each model name": named,
    "the default stream": load,
    "`CHUNK_COUNT`": count,
    "`CHUNK_DELAY_MS`": no_gap,
    "the same request, the same answer": by_hash,
    "a hash of the older recipe": by_older_hash,
    "a VCR cassette": cassette,
    "a recorded stream": at_its_times,
    "a recorded answer, for another provider": said_anew,
    "recorded poems over HTTPS": poems,
}


def rows() -> list[str]:
    """The left column of the tables in which something is asked."""
    found = []
    for table in re.findall(r"\| there \| here \| what comes \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE.read_text()):
        found += [line.split(" | ")[0].lstrip("| ") for line in table.splitlines()]
    return found


def test_every_row_of_the_page_is_run_and_every_check_has_a_row() -> None:
    assert rows() == list(ROWS)


@pytest.mark.parametrize("row", list(ROWS))
def test_a_row_says_what_comes(row: str, tmp_path: Path) -> None:
    run = ROWS[row]
    run(tmp_path) if run in (by_hash, by_older_hash, cassette, at_its_times, said_anew) else run()
