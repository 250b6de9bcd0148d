"""Every row of docs/switching.md is run: the middle column is the request, the right one the required response."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.options import SERVING, option_values
from mockllm.core.json.codec import loads
from mockllm.core.limits.limit_data import STRATEGIES
from mockllm.core.rendering.plan import EventStep
from tests.docs.pack_request import PackRequest
from tests.docs.switching_recorded import RECORDED

PAGE = Path(__file__).parents[2] / "docs" / "switching.md"


def hello() -> None:
    result = PackRequest("request-controls")
    assert result.text == "Hello! I'm a mock LLM response. How can I help you today?"
    usage = result.body["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 15, 25)


REPORTED = ["Hello", " from", " streaming", " mock", " provider", "!"]


def streamed() -> None:
    result = PackRequest("request-controls", stream=True)
    assert result.chunks == REPORTED
    assert result.waits == [pytest.approx(0.1)] * 5


def delayed() -> None:
    assert PackRequest("request-controls", "?delay=250").plan.delay == pytest.approx(0.25)
    assert PackRequest("request-controls", "?delay=250&fail=500").plan.delay == pytest.approx(0.25)


def rate_limited() -> None:
    result = PackRequest("request-controls", "?fail=429")
    assert result.status == 429
    assert result.error == {
        "message": "Rate limit exceeded",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }


def server_error() -> None:
    result = PackRequest("request-controls", "?fail=500")
    assert (result.status, result.error["type"], result.error["code"], result.error["message"]) == (
        500, "server_error", "internal_error", "Internal server error",
    )  # fmt: skip


def any_status() -> None:
    for status in (400, 418, 503, 599):
        assert PackRequest("request-controls", f"?fail={status}").status == status


def timed_out() -> None:
    result = PackRequest("request-controls", "?fail=timeout")
    assert (result.plan.delay, result.status) == (30.0, 504)
    assert (result.error["type"], result.error["message"]) == ("timeout_error", "Gateway timeout")


def streamed_unasked() -> None:
    assert PackRequest("request-controls", "?stream=true", stream=False).chunks == REPORTED


def broken() -> None:
    result = PackRequest("request-controls", "?stream=true&fail_chunk=3")
    last = result.plan.steps[-1]
    assert isinstance(last, EventStep)
    assert last.payload == b'{"broken": '
    assert result.chunks == REPORTED[:2]


def refused() -> None:
    result = PackRequest("request-controls", "?delay=abc")
    assert (result.status, result.error["param"]) == (400, "delay")


def with_environment(assignment: str, **body: Any) -> PackRequest:
    name, _, value = assignment.partition("=")
    fixed = {"DEFAULT_RESPONSE": "twenty-two characters.", "STREAM_JITTER_MS": "0", name: value}
    return PackRequest("default", environment=fixed, **body)


def fixed_response() -> None:
    assert with_environment("DEFAULT_RESPONSE=Fine.").text == "Fine."


WEATHER: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]


def called(result: PackRequest) -> list[Any]:
    calls = result.body["choices"][0]["message"].get("tool_calls", [])
    return [loads(call["function"]["arguments"]) for call in calls]


def tool_called() -> None:
    for chance in ("1", ""):
        (arguments,) = called(
            PackRequest("default", environment={"TOOL_CALL_PROBABILITY": chance}, tools=TOOLS)
        )
        assert list(arguments) == ["city"]
    assert called(PackRequest("default", environment={"TOOL_CALL_PROBABILITY": "0"}, tools=TOOLS)) == []
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    environment = {"TOOL_CALL_PROBABILITY": "1"}
    result = PackRequest("default", environment=environment, tools=TOOLS, messages=history)
    assert called(result) == []
    assert result.text


def structured() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER}}
    assert list(loads(PackRequest("default", response_format=wanted).text)) == ["city"]


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


def limited(*assignments: str) -> PackRequest:
    """The first of several requests under a rate limit."""
    named = dict(assignment.split("=") for assignment in ("RATE_LIMIT_ENABLED=true", *assignments))
    return PackRequest("default", environment=named)


def limit_enabled() -> None:
    assert limited().again(6) == [200] * 4 + [429] * 2
    assert PackRequest("default").again(20) == [200] * 20


def limit_mode() -> None:
    for mode in STRATEGIES:
        for name in {mode, mode.replace("-", "_")}:
            counted = mode in ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
            result = limited(f"RATE_LIMIT_MODE={name}", "RATE_LIMIT_REQUESTS=1", "RATE_LIMIT_AFTER_N=1")
            if mode == "random":
                assert 10 < result.again(100).count(429) < 60
            else:
                assert result.status == (429 if mode == "always" else 200)
                assert result.again(1) == [200 if mode == "none" else 429]
                assert result.again(1, 60.0) == [200 if counted or mode == "none" else 429]


def limit_after() -> None:
    assert limited("RATE_LIMIT_AFTER_N=2").again(2) == [200, 429]


def limit_random() -> None:
    result = limited("RATE_LIMIT_MODE=random", "RATE_LIMIT_RANDOM_PROBABILITY=1")
    assert [result.status, *result.again(9)] == [429] * 10


def limit_requests() -> None:
    assert limited("RATE_LIMIT_MODE=fixed_window", "RATE_LIMIT_REQUESTS=3").again(3) == [200, 200, 429]
    assert limited("RATE_LIMIT_MODE=fixed_window").again(10) == [200] * 9 + [429]


def limit_window() -> None:
    result = limited("RATE_LIMIT_MODE=sliding-window", "RATE_LIMIT_REQUESTS=1", "RATE_LIMIT_WINDOW_MS=1000")
    assert (result.again(1, 0.5), result.again(1, 0.5)) == ([429], [200])


def port() -> None:
    assert option_values(Namespace(), SERVING, {"PORT": "3000"})["port"] == 3000
    assert option_values(Namespace(), SERVING, {})["port"] == 8080


def echo() -> None:
    assert PackRequest("error-models").text == "Say it back."


def credit() -> None:
    result = PackRequest("error-models", model="credit-error")
    assert (result.status, result.error["code"], result.error["param"]) == (402, "insufficient_quota", None)


def retired() -> None:
    result = PackRequest("error-models", model="deprecated-model")
    assert (result.status, result.error["code"]) == (404, "model_not_found")
    assert "has been deprecated" in result.error["message"]


def too_long() -> None:
    assert PackRequest("error-models", environment={"CONTEXT_WINDOW": "8000"}).status == 200
    result = PackRequest("error-models", environment={"CONTEXT_WINDOW": "5"})
    assert (result.status, result.error["code"]) == (400, "context_length_exceeded")
    assert "is 5 tokens. However, your messages resulted in 10 tokens" in result.error["message"]


def named() -> None:
    wanted = {"rate-limit-error": 429, "auth-error": 401, "overloaded-error": 503}
    wanted |= {"context-length-error": 400, "timeout-error": 504}
    assert {model: PackRequest("error-models", model=model).status for model in wanted} == wanted


def load() -> None:
    result = PackRequest("benchmark", raw=b"")
    assert result.chunks[:2] == ["Hello", " world"]
    assert len(result.chunks) == 18
    assert result.waits == pytest.approx([0.05] * 17)


def count() -> None:
    for chunks in (0, 1, 5625):
        result = PackRequest("benchmark", environment={"CHUNK_COUNT": str(chunks), "CHUNK_DELAY_MS": "0"})
        assert len(result.chunks) == chunks


def no_gap() -> None:
    assert PackRequest("benchmark", environment={"CHUNK_DELAY_MS": "0"}).waits == []
    assert PackRequest("benchmark", environment={"CHUNK_DELAY_MS": "5625"}).waits == [5.625] * 17


ROWS: dict[str, Callable[[], None]] = {
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
}


def rows() -> list[str]:
    """The left column of the tables of requests."""
    rows = []
    for table in re.findall(r"\| there \| here \| what comes \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE.read_text()):
        rows += [line.split(" | ")[0].lstrip("| ") for line in table.splitlines()]
    return rows


def test_every_row_of_the_page_is_run_and_every_check_has_a_row() -> None:
    assert rows() == [*ROWS, *RECORDED]


@pytest.mark.parametrize("row", list(ROWS))
def test_row_of_page_has_stated_effect(row: str) -> None:
    ROWS[row]()


@pytest.mark.parametrize("row", list(RECORDED))
def test_row_of_page_has_stated_recording(row: str, tmp_path: Path) -> None:
    RECORDED[row](tmp_path)
