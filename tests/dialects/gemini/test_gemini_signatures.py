"""Calls in a request that need a thought signature."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request import divided_bodies
from mockllm.core.request.divided_bodies import BODIES
from mockllm.dialects.gemini.generate import GENERATE
from tests.dialects.gemini.generate_requests import VERTEX, generate, of_bytes

HI: Json = {"role": "user", "parts": [{"text": "hi"}]}
MODEL_TURN: Json = {"role": "model", "parts": [{"text": "So."}]}
DUMMY = "context_engineering_is_the_way_to_go"
SKIP = "skip_thought_signature_validator"


def call(name: str, signature: str | None = None) -> Json:
    signed = {} if signature is None else {"thoughtSignature": signature}
    return {"functionCall": {"name": name, "args": {}}, **signed}


def model(*parts: Json) -> Json:
    return {"role": "model", "parts": list(parts)}


def results(*names: str, more: Json = ()) -> Json:
    parts = [{"functionResponse": {"name": name, "response": {}}} for name in names]
    return {"role": "user", "parts": [*parts, *more]}


def missing(name: str, position: int) -> str:
    return (
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{name}` , position {position}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )


LOOKED: Json = [model(call("look")), results("look")]
SIGNED: Json = [model(call("look", "abc")), results("look")]
CONVERSATIONS: dict[str, tuple[list[Json], str | None]] = {
    "an unsigned call": ([HI, *LOOKED], missing("look", 2)),
    "a signed call": ([HI, *SIGNED], None),
    "an empty signature": ([HI, model(call("look", "")), results("look")], missing("look", 2)),
    "a second call of one step": ([HI, model(call("a", "abc"), call("b")), results("a", "b")], None),
    "a signature at the second call": (
        [HI, model(call("a"), call("b", "x")), results("a", "b")],
        missing("a", 2),
    ),
    "a second step": ([HI, *SIGNED, *LOOKED], missing("look", 4)),
    "two steps": ([HI, *LOOKED, model(call("b")), results("b")], missing("look", 2)),
    "an earlier turn": ([HI, *LOOKED, MODEL_TURN, HI, *SIGNED], None),
    "an earlier turn that ends with a result": ([HI, *LOOKED, HI], None),
    "a text beside the result": ([HI, model(call("a")), results("a", more=[{"text": "go on"}])], None),
    "media beside the result": (
        [HI, model(call("a")), results("a", more=[{"inlineData": {"mimeType": "image/png", "data": ""}}])],
        missing("a", 2),
    ),
    "adjacent contents of the model": (
        [HI, model(call("a", "x")), model(call("b")), results("a", "b")],
        None,
    ),
    "the dummy signatures": (
        [HI, model(call("a", DUMMY)), results("a"), model(call("b", SKIP)), results("b")],
        None,
    ),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_first_call_of_each_step_needs_a_signature(name: str) -> None:
    contents, message = CONVERSATIONS[name]
    failure = GENERATE.check(generate(model="gemini-3-flash-preview", contents=contents))
    assert (None if failure is None else failure.message) == message
    for other in ("gemini-2.5-flash", "gemini-3-pro-image-preview", "my-model"):
        assert GENERATE.check(generate(model=other, contents=contents)) is None


def test_call_in_snake_case_needs_a_signature() -> None:
    for more, refused in (({}, True), ({"thought_signature": "abc"}, False)):
        called: Json = {"role": "model", "parts": [{"function_call": {"name": "look"}, **more}]}
        result: Json = {"role": "user", "parts": [{"function_response": {"name": "look", "response": {}}}]}
        request = generate(model="gemini-3.5-flash", contents=[HI, called, result])
        assert (GENERATE.check(request) is not None) is refused


def test_vertex_has_its_own_wording_and_one_dummy() -> None:
    for signature, refused in ((None, True), (DUMMY, True), (SKIP, False), ("abc", False)):
        contents = [HI, model(call("look", signature)), results("look")]
        failure = GENERATE.check(generate(model="gemini-3.1-pro-preview", base=VERTEX, contents=contents))
        assert (None if failure is None else failure.message) == (
            "Unable to submit request because function call `default_api:look` in the 2. content block is missing a "
            "`thought_signature`. Learn more: "
            "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures"
            if refused
            else None
        )


def test_known_contents_are_checked_as_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divided_bodies, "MIN_DIVIDED_BYTES", 0)
    random, refused = Random(1), 0
    for _ in range(300):
        BODIES.clear()
        contents: list[Json] = []
        while len(contents) < 12:
            contents += random.choice(
                [[HI], [HI, MODEL_TURN], LOOKED, SIGNED, SIGNED, [model(call("a")), MODEL_TURN]]
            )
            raw = dumps({"contents": contents})
            for base in ("/v1beta", VERTEX):
                known = GENERATE.check(of_bytes(raw, model="gemini-3.5-flash", base=base))
                alone = of_bytes(raw, model="gemini-3.5-flash", base=base)
                vars(alone).update(body={"contents": contents}, fields={"contents": contents}, _parts=None)
                assert known == GENERATE.check(alone)
                refused += known is not None
    BODIES.clear()
    assert refused > 300
