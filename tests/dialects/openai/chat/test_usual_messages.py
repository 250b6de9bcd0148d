"""Messages that the check of a chat request accepts at once: the whole check accepts each of them, too."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.openai.chat import check
from mockllm.dialects.openai.chat.request import ChatRequest


def any_of(random: Random, *usual: Json) -> Json:
    odd: list[Json] = ["", None, 1, [], {}, [None], {"type": "function"}]
    return random.choice(usual if random.random() < 0.85 else odd)


def call(random: Random) -> Json:
    called = {"name": any_of(random, "add"), "arguments": any_of(random, "{}"), "input": "1"}
    own = {"id": any_of(random, "call_1"), "type": any_of(random, "function", "custom"), "function": called}
    return {name: value for name, value in own.items() if random.random() < 0.95}


def message(random: Random) -> Json:
    calls = [
        any_of(random, call(random)) if random.random() < 0.2 else call(random)
        for _ in range(random.choice([0, 1, 1, 2]))
    ]
    members: dict[str, Json] = {
        "role": any_of(random, "tool", "assistant", "assistant", "user", "function"),
        "content": any_of(random, "Hello.", None),
        "tool_call_id": any_of(random, "call_1"),
        "tool_calls": any_of(random, calls),
        "name": any_of(random, "add"),
        "refusal": any_of(random, "No."),
    }
    names = random.choice(
        [("role", "content", "tool_call_id"), ("role", "content", "tool_calls"), tuple(members)]
    )
    return {name: members[name] for name in names if random.random() < 0.95}


def passes_both(entry: dict[str, Json]) -> bool:
    """Return whether a message has a valid shape, and content or a substitute for it."""
    return check._message(entry, "messages[0]") is None and not check._lacks_content(entry)


def test_usual_messages_pass_the_whole_check(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)
    messages = [message(random) for _ in range(20_000)]
    usual = [entry for entry in messages if check._fast_accepts_shape(entry)]
    assert {entry["role"] for entry in usual} == {"tool", "assistant"}
    monkeypatch.setattr(check, "_fast_accepts_shape", lambda _: False)
    assert [entry for entry in usual if not passes_both(entry)] == []


def test_plain_messages_pass_the_whole_check(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(2)
    messages = [message(random) for _ in range(20_000)]
    with monkeypatch.context() as patched:
        patched.setattr(check, "_fast_accepts_shape", lambda _: False)
        patched.setattr(check, "_message", lambda *_: Failure("bad_request"))
        plain = [entry for entry in messages if check._fast_accepts_next(check.OpenToolCalls(), entry)]
    assert len(plain) > 100
    assert [entry for entry in plain if not passes_both(entry)] == []


def test_conversations_pass_at_once_as_by_the_whole_check() -> None:
    random = Random(3)
    passed = 0
    for _ in range(20_000):
        messages = [message(random) for _ in range(random.choice([1, 2, 2, 3]))]
        calls = check.OpenToolCalls()
        at_once = all(check._fast_accepts_next(calls, entry) for entry in messages) and not calls.open
        accepted = (
            check.check_message_shapes(messages) is None and check.check_contents_and_order(messages) is None
        )
        assert at_once is accepted
        passed += at_once
    assert passed > 1_000


def test_check_of_plain_messages_equals_the_full_check() -> None:
    random = Random(4)
    matched = refused = 0
    for _ in range(5_000):
        text = {"role": any_of(random, "user", "assistant"), "content": any_of(random, "Hello.")}
        body = {
            "model": any_of(random, "gpt-4o"),
            "messages": [text] * random.choice([0, 1, 2]),
            "stream": any_of(random, True),
        }
        requests = [ChatRequest(method="POST", path="/", headers={}, raw=dumps(body)) for _ in range(2)]
        matched += bool(requests[0].plain_messages)
        vars(requests[1]).update(simple_body=None, plain_messages=None)
        failure = check.check(requests[0])
        assert failure == check.check(requests[1])
        refused += failure is not None
    assert matched > 1_000
    assert refused > 1_000


def test_result_finds_its_call_among_many_thousands() -> None:
    """20,000 calls: with a list of open calls this would be 200 million comparisons."""
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for n in range(20_000)
    ]
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": "1"} for n in reversed(range(20_000))]
    messages: list[dict[str, Json]] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *results,
    ]
    assert check.check_message_shapes(messages) is check.check_contents_and_order(messages) is None
    failure = check.check_contents_and_order(messages[:-1])
    assert failure is not None
    assert "did not have response messages: c0" in str(failure.message)
