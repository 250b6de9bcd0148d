"""Contents that the check accepts at once: the check of shapes accepts each of them, too."""

from __future__ import annotations

from random import Random

from mockllm.core.json.codec import Json
from mockllm.dialects.gemini import content_check
from mockllm.dialects.gemini.validators import check_shape


def any_of(random: Random, *usual: Json) -> Json:
    odd: list[Json] = ["", None, 1, [], {}, [None], {"text": 1}]
    return random.choice(usual if random.random() < 0.9 else odd)


def named(random: Random, member: str) -> Json:
    members = {
        "name": any_of(random, "f"),
        member: any_of(random, {}),
        "id": any_of(random, "a"),
        "more": any_of(random, 1),
    }
    chosen = random.choice(
        [("name", member), ("name", member, "id"), ("name", member, "more"), tuple(members)]
    )
    return {name: members[name] for name in chosen}


def part(random: Random) -> Json:
    name = random.choice(["text", "functionCall", "functionResponse", "inlineData"])
    values: dict[str, Json] = {
        "text": any_of(random, "Hello."),
        "functionCall": any_of(random, named(random, "args")),
        "functionResponse": any_of(random, named(random, "response")),
        "inlineData": any_of(random, {"mimeType": "image/png", "data": ""}),
    }
    more = {"thoughtSignature": any_of(random, "abc")} if random.random() < 0.1 else {}
    return any_of(random, {name: values[name], **more})


def content(random: Random) -> Json:
    parts = [part(random) for _ in range(random.choice([0, 1, 1, 2]))]
    members = {"role": any_of(random, "user", "model"), "parts": any_of(random, parts, parts, "text")}
    more = {"more": 1} if random.random() < 0.1 else {}
    return any_of(random, {**members, **more})


def test_usual_contents_pass_the_whole_check() -> None:
    random = Random(1)
    usual = [
        entry
        for entry in (content(random) for _ in range(40_000))
        if content_check._fast_accepts_shape(entry)
    ]
    names = {name for entry in usual for part in entry["parts"] for name in part}
    assert names == {"text", "functionCall", "functionResponse"}
    for entry in usual:
        check_shape("", entry, content_check.CONTENT)


def test_calls_before_all_turns_need_the_whole_check() -> None:
    text: Json = {"role": "model", "parts": [{"text": "x"}]}
    called: Json = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
    for before, accepted in (([], False), ([text], False), ([{**text, "role": "user"}], True)):
        calls = content_check.CountedCalls()
        assert all(content_check._fast_accepts_next(calls, content) for content in before)
        assert content_check._fast_accepts_next(calls, called) is accepted


def test_agents_contents_are_usual() -> None:
    for part in (
        {"text": "hi"},
        {"functionCall": {"name": "f", "args": {}}},
        {"functionResponse": {"id": "a", "name": "f", "response": {"output": 1}}},
    ):
        assert content_check._fast_accepts_shape({"role": "user", "parts": [part]})
