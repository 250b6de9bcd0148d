"""Who honours `retry-after` passes at the next try: by each SDK's own retry, under every strategy that knows a time;
and what the SDKs make of limits that know none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.live import Live
from tests.live import live as serve

WINDOWS = ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
WINDOW = 0.4
SCENARIO = """mockllm: 1
rules:
  - {name: hi, reply: hi}
modifiers:
""" + "".join(
    f"  - {{name: {name}, match: {{model: '*{name}'}}, per: api_key, limit: {{{settings}}}}}\n"
    for name, settings in {
        **{name: f"strategy: {name}, requests: 1, window: {round(WINDOW * 1000)}ms" for name in WINDOWS},
        "tokens": f"strategy: fixed-window, tokens: 40, window: {round(WINDOW * 1000)}ms",
        "always": "strategy: always, retry_after: 10ms",
        "after-n": "strategy: after-n, requests: 1, retry_after: 10ms",
        "never": "strategy: token-bucket, tokens: 1",
    }.items()
)
HI: list[Any] = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("limited")
    Path(folder, "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as server:
        yield server


RETRIED = re.compile(r"\bretry \d")
"""What the line of a retry says, beside what it says of the limit."""


def tries(live: Live, model: str, last: str) -> list[str]:
    """What came of each try at this model, up to the first that ended so: its status, and whether it was a retry.
    How many pass before one is refused is a matter of how fast the machine is."""

    def tries_so_far() -> list[str]:
        lines = [line for line in live.lines if f" {model} " in line]
        return [
            ("429" if " 429 " in line else "200") + ("r" if RETRIED.search(line) else "") for line in lines
        ]

    live.line(lambda _: last in tries_so_far())
    return tries_so_far()


def until_refused(live: Live, model: str, ask: Callable[[], object], last: str = "200r") -> list[str]:
    """The tries until one was refused, and what came behind it."""
    for _ in range(20):
        ask()
        if any(f" {model} " in line and " 429 " in line for line in live.lines):
            break
    return tries(live, model, last)


def ask_openai(live: Live, model: str, **more: Any) -> None:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=f"{model}-key") as client:
        assert client.chat.completions.create(model=model, messages=HI, **more).choices


def ask_openai_streaming(live: Live, model: str, **more: Any) -> None:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=f"{model}-key") as client:
        assert list(client.chat.completions.create(model=model, messages=HI, stream=True, **more))


def ask_responses(live: Live, model: str) -> None:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=f"{model}-key") as client:
        assert client.responses.create(model=model, input="hi").output_text == "hi"


def ask_anthropic(live: Live, model: str, max_tokens: int = 20) -> None:
    with anthropic.Anthropic(base_url=live.url, api_key=f"{model}-key") as client:
        assert client.messages.create(model=model, messages=HI, max_tokens=max_tokens).content


def ask_anthropic_streaming(live: Live, model: str) -> None:
    with (
        anthropic.Anthropic(base_url=live.url, api_key=f"{model}-key") as client,
        client.messages.stream(model=model, messages=HI, max_tokens=20) as stream,
    ):
        assert stream.get_final_text() == "hi"


HONOURING: dict[str, Callable[..., None]] = {
    "openai": ask_openai,
    "openai-streams": ask_openai_streaming,
    "openai-responses": ask_responses,
    "anthropic": ask_anthropic,
    "anthropic-streams": ask_anthropic_streaming,
}


@pytest.mark.parametrize("strategy", WINDOWS)
@pytest.mark.parametrize("sdk", HONOURING)
def test_client_honouring_retry_after_succeeds_at_first_retry(limited: Live, sdk: str, strategy: str) -> None:
    model = f"{sdk}-{strategy}"
    result = until_refused(limited, model, lambda: HONOURING[sdk](limited, model))
    assert result == ["200"] * (len(result) - 2) + ["429", "200r"]


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_also_where_it_is_tokens_that_are_too_many(limited: Live, sdk: str) -> None:
    model = f"{sdk}-tokens"
    result = until_refused(limited, model, lambda: HONOURING[sdk](limited, model, max_tokens=30))
    assert result == ["200"] * (len(result) - 2) + ["429", "200r"]


REFUSED: dict[str, type[Exception]] = {"openai": openai.RateLimitError, "anthropic": anthropic.RateLimitError}


@pytest.mark.parametrize("sdk", REFUSED)
def test_unrecovered_limit_raises_after_last_retry(limited: Live, sdk: str) -> None:
    model = f"{sdk}-after-n"
    HONOURING[sdk](limited, model)
    with pytest.raises(REFUSED[sdk]):
        HONOURING[sdk](limited, model)
    limited.line(lambda line: f" {model} " in line and "retry 2" in line)
    assert tries(limited, model, "429r") == ["200", "429", "429r", "429r"]


@pytest.mark.parametrize("sdk", REFUSED)
def test_limit_without_recovery_has_no_retry_after(limited: Live, sdk: str) -> None:
    requests: dict[str, Callable[[], object]] = {
        "openai": lambda: openai.OpenAI(
            base_url=f"{limited.url}/v1", api_key="k", max_retries=0
        ).chat.completions.create(model="x-never", messages=HI),
        "anthropic": lambda: anthropic.Anthropic(
            base_url=limited.url, api_key="k", max_retries=0
        ).messages.create(model="x-never", messages=HI, max_tokens=20),
    }
    with pytest.raises(REFUSED[sdk]) as raised:
        requests[sdk]()
    assert not [name for name in raised.value.response.headers if name.startswith("retry-after")]  # type: ignore[attr-defined]


def google(live: Live, model: str, **retry: Any) -> genai.Client:
    options = types.HttpOptions(
        base_url=live.url, retry_options=types.HttpRetryOptions(**retry) if retry else None
    )
    return genai.Client(api_key=f"{model}-key", http_options=options)


@pytest.mark.parametrize("strategy", WINDOWS)
def test_google_client_with_retries_succeeds_after_own_delay(limited: Live, strategy: str) -> None:
    model = f"gemini-2.5-{strategy}"
    retry = {"attempts": 2, "initial_delay": WINDOW + 0.1, "jitter": 0.01}
    with google(limited, model, **retry) as client:

        def ask() -> None:
            assert client.models.generate_content(model=model, contents="hi").text == "hi"

        result = until_refused(limited, model, ask, "429")
    limited.line(lambda line: f" {model} " in line and " 200 " in line)
    assert result.count("429") == 1


def test_google_client_without_retries_raises_retry_delay(limited: Live) -> None:
    model = "gemini-2.5-once-fixed-window"
    with google(limited, model) as client, pytest.raises(errors.ClientError) as raised:  # noqa: PT012
        for _ in range(20):
            client.models.generate_content(model=model, contents="hi")
    assert raised.value.code == 429
    (delay,) = (
        float(detail["retryDelay"].removesuffix("s"))
        for detail in raised.value.details["error"]["details"]
        if "retryDelay" in detail
    )
    assert 0 < delay <= WINDOW
    time.sleep(delay)
    with google(limited, model) as client:
        assert client.models.generate_content(model=model, contents="hi").text == "hi"
