"""Background responses with the openai package: states, cancellation, and streams that go on behind every cut."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import httpx2
import openai
import pytest

from tests.live import Live
from tests.live import live as serve
from tests.waiting import PATIENCE

SCENARIO: Final = """
rules:
  - {name: polled, match: {model: polled}, reply: Polled., pace: {queued_polls: 2, in_progress_polls: 3}}
  - {name: failed, match: {model: failed}, reply: {chunks: [One, {error: server_error}]}}
  - {name: short, match: {model: short}, reply: {text: One two, finish_reason: length}}
  - {name: refused, match: {model: refused}, error: rate_limit}
  - {name: slow, match: {model: slow}, reply: one two three four, pace: {in_progress: 30s}}
  - name: instant
    match: {model: instant}
    reply: {thinking: Hm., text: "one two three four five six seven eight nine ten", tool_calls: [{name: f}]}
    pace: {queued: 0s, in_progress: 0s}
  - {name: usual, reply: Hello there.}
modifiers:
  - name: cut
    match: {query: {cut: {exists: true}}}
    faults: [{reset: {after: {events: "{{ query.cut }}"}}}]
"""
BROKEN: Final = (httpx2.RemoteProtocolError, httpx2.ReadError, openai.APIConnectionError)
"""What a cut stream raises."""


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("background") / "background.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


@pytest.fixture
def client(background: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{background.url}/v1", api_key="k", max_retries=0) as client:
        yield client


def states(client: openai.OpenAI, model: str) -> tuple[list[str], Any]:
    """The states that a client finds, each once for each read, and the last response."""
    response = client.responses.create(model=model, input="hi", background=True)
    seen = [str(response.status)]
    while response.status in ("queued", "in_progress"):
        if model != "polled":
            time.sleep(0.02)
        response = client.responses.retrieve(response.id)
        seen.append(str(response.status))
    return seen, response


@pytest.mark.parametrize(
    ("model", "end"), [("usual", "completed"), ("failed", "failed"), ("short", "incomplete")]
)
def test_background_response_is_queued_in_progress_and_ended(
    client: openai.OpenAI, model: str, end: str
) -> None:
    began = time.monotonic()
    seen, response = states(client, model)
    assert list(dict.fromkeys(seen)) == ["queued", "in_progress", end]
    assert time.monotonic() - began < PATIENCE
    assert (response.error is not None) == (end == "failed")
    assert (response.incomplete_details is not None) == (end == "incomplete")
    assert (response.usage is None) == (end == "failed")
    assert response.output_text == {"usual": "Hello there.", "failed": "", "short": "One two"}[model]


def test_reads_decide_states_where_polls_are_set(client: openai.OpenAI) -> None:
    seen, response = states(client, "polled")
    assert seen == [*["queued"] * 3, *["in_progress"] * 3, "completed"]
    assert response.output_text == "Polled."


def test_error_rule_refuses_background_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model="refused", input="hi", background=True)


def test_background_without_store_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="requires 'store'"):
        client.responses.create(model="usual", input="hi", background=True, store=False)


def test_cancel_ends_background_response(client: openai.OpenAI) -> None:
    response = client.responses.create(model="slow", input="hi", background=True)
    for _ in range(2):
        cancelled = client.responses.cancel(response.id)
        assert (cancelled.status, cancelled.output) == ("cancelled", [])
    assert client.responses.retrieve(response.id).status == "cancelled"
    stream = client.responses.retrieve(response.id, stream=True)
    assert [event.type for event in stream][:2] == ["response.created", "response.queued"]


def test_cancel_of_ended_response_changes_nothing(client: openai.OpenAI) -> None:
    _, response = states(client, "usual")
    assert client.responses.cancel(response.id).status == "completed"


def test_stream_of_background_response_is_what_helpers_accept(client: openai.OpenAI) -> None:
    with client.responses.stream(model="usual", input="hi", background=True) as stream:
        types = [event.type for event in stream]
        assert stream.get_final_response().output_text == "Hello there."
    assert types[:3] == ["response.created", "response.queued", "response.in_progress"]


def test_resumed_stream_waits_for_its_events(client: openai.OpenAI) -> None:
    stream = client.responses.create(model="usual", input="hi", background=True, stream=True)
    first = next(iter(stream))
    stream.close()
    assert first.type == "response.created"
    rest = list(client.responses.retrieve(first.response.id, stream=True, starting_after=0))
    assert [event.sequence_number for event in rest] == list(range(1, 1 + len(rest)))
    assert rest[-1].type == "response.completed"


def _read(stream: Any, into: list[Any]) -> bool:
    """Collect events; return whether the stream came to its end."""
    try:
        into.extend(stream)
    except BROKEN:
        return False
    return bool(into[-1].type == "response.completed")


def _resume_behind_cuts(client: openai.OpenAI, count: int) -> None:
    whole = list(client.responses.create(model="instant", input="hi", background=True, stream=True))
    cuts, seed = 0, -1
    while cuts < count:
        seed += 1
        events: list[Any] = []
        random = Random(seed)
        place = {"cut": str(1 + seed % (len(whole) - 1))}
        stream = client.responses.create(
            model="instant", input="hi", background=True, stream=True, extra_query=place
        )
        done = _read(stream, events)
        while not done:
            cuts += 1
            again: dict[str, Any] = {"cut": str(random.randint(1, 6))} if random.random() < 0.5 else {}
            done = _read(
                client.responses.retrieve(
                    events[0].response.id,
                    stream=True,
                    starting_after=events[-1].sequence_number,
                    extra_query=again,
                ),
                events,
            )
        assert [event.sequence_number for event in events] == list(range(len(whole)))
        assert [event.type for event in events] == [event.type for event in whole]
        stored = client.responses.retrieve(events[0].response.id)
        assert events[-1].response.output == stored.output
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert deltas == stored.output_text


def test_cut_streams_resume_without_loss(client: openai.OpenAI) -> None:
    _resume_behind_cuts(client, 60)


@pytest.mark.full
def test_1000_cut_streams_resume_without_loss(client: openai.OpenAI) -> None:
    _resume_behind_cuts(client, 1000)
