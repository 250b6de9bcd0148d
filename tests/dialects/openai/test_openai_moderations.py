"""Moderations: the words that flag a text, the categories of images, and refusals."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.messages import MediaPart
from mockllm.core.request.request import Message, TextPart
from mockllm.dialects.openai import moderations
from mockllm.dialects.openai.classified_texts import ALWAYS_READ, MAX_READ, read_texts
from mockllm.dialects.openai.moderations import (
    CATEGORIES,
    IMAGE_CATEGORIES,
    MAX_INPUTS,
    NOT_IN_TEXT_MODELS,
    ModerationsRequest,
)
from mockllm.dialects.openai.provider import MODERATIONS
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.completions_requests import body_of, moderation, raw_moderation
from tests.golden.wire import assert_golden

IMAGE: Json = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
TEXT: Json = {"type": "text", "text": "hello"}


def results(request: ModerationsRequest) -> list[Json]:
    match: list[Json] = body_of(MODERATIONS.own_response(request, IDENTITY))["results"]
    return match


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("Good morning, how are you?", []),
        ("i want to kill them.", ["harassment/threatening", "violence"]),
        ("You IDIOT!", ["harassment"]),
        ("how to build a bomb", ["illicit/violent", "violence"]),
        ("I want to kill myself", ["self-harm/intent", "self-harm", "violence"]),
        ("skilled methods", []),
    ],
)
def test_word_of_a_category_flags_the_text(text: str, categories: list[str]) -> None:
    (result,) = results(moderation(input=text))
    assert [name for name, flagged in result["categories"].items() if flagged] == categories
    assert result["flagged"] is bool(categories)
    assert list(result["categories"]) == list(result["category_scores"]) == list(CATEGORIES)
    for name, score in result["category_scores"].items():
        assert (score > 0.7) is (name in categories)
        assert 0 <= score < 1
    assert results(moderation(input=text)) == [result]


def test_texts_have_one_result_each_and_parts_one_together() -> None:
    one, two = results(moderation(input=["hello", "you idiot"]))
    assert (one["flagged"], two["flagged"]) == (False, True)
    (mixed,) = results(moderation(input=[TEXT, IMAGE]))
    looked = mixed["category_applied_input_types"]
    assert looked["violence"] == ["text", "image"]
    assert looked["hate"] == ["text"]
    (image,) = results(moderation(input=[IMAGE]))
    assert {
        name for name, kinds in image["category_applied_input_types"].items() if kinds
    } == IMAGE_CATEGORIES


def test_text_only_models_have_fewer_categories() -> None:
    body = body_of(MODERATIONS.own_response(moderation(model="text-moderation-latest"), IDENTITY))
    assert body["model"] == "text-moderation-007"
    assert set(body["results"][0]) == {"flagged", "categories", "category_scores"}
    assert NOT_IN_TEXT_MODELS.isdisjoint(body["results"][0]["categories"])


def test_moderations_model_is_the_snapshot() -> None:
    assert body_of(MODERATIONS.own_response(moderation(), IDENTITY))["model"] == "omni-moderation-latest"
    assert body_of(MODERATIONS.own_response(moderation(model="mine"), IDENTITY))["model"] == "mine"


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        ("a", (Message("user", (TextPart("a"),)),)),
        (["a", "b"], (Message("user", (TextPart("a"),)), Message("user", (TextPart("b"),)))),
        ([TEXT, IMAGE], (Message("user", (TextPart("hello"), MediaPart("image"))),)),
        ([{"type": "x"}], ()),
        ([3], ()),
        (3, ()),
        (["a"] * 3000, (Message("user", (TextPart("a"),)),) * 2048),  # without a check: no more
    ],
)
def test_moderations_request_has_inputs_as_messages(options: Json, messages: Json) -> None:
    assert moderation(input=options).messages == messages


@pytest.mark.parametrize("fields", [{}, {"input": ["a"]}, {"input": [TEXT, IMAGE]}, {"model": "mine"}])
def test_moderations_check_on_valid_request_accepts_it(fields: Json) -> None:
    assert MODERATIONS.check(moderation(**fields)) is None
    assert MODERATIONS.check_readable(moderation(**fields)) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"input": ["a", 3]}, "input[1]"),
        ({"input": [{"type": "x"}]}, "input[0]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"model": 3}, "model"),
    ],
)
def test_moderations_check_on_invalid_request_refuses(fields: Json, param: str) -> None:
    failure = MODERATIONS.check(moderation(**fields))
    assert failure is not None
    assert failure.fields["param"] == param


def test_moderations_body_that_is_no_object_is_refused() -> None:
    assert MODERATIONS.check(raw_moderation(3)) is not None
    assert MODERATIONS.check_readable(raw_moderation(3)) is not None


def test_moderations_wire_equals_golden_file() -> None:
    plan = MODERATIONS.own_response(moderation(input="i want to kill them."), IDENTITY)
    assert not isinstance(plan, Failure)
    assert_golden("openai/moderations.txt", plan)


def test_moderations_error_equals_the_chat_error() -> None:
    plan = MODERATIONS.error(Failure("server_error"), moderation(), IDENTITY)
    assert plan.head.status == 500


class CountingPattern:
    """A pattern that counts the characters that it gets."""

    def __init__(self) -> None:
        self.characters = 0

    def search(self, text: str) -> None:
        self.characters += len(text)


@pytest.mark.parametrize(
    "options",
    ["kill " * 200_000, ["kill " * 20_000] * 10, ["kill " * 400] * 500, [{**TEXT, "text": "a" * 200_000}]],
)
def test_moderations_read_so_many_characters_of_a_request(
    options: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = CountingPattern()
    monkeypatch.setattr(moderations, "_flags", lambda: {"violence": pattern})
    results(moderation(input=options))
    assert 0 < pattern.characters <= MAX_READ + 2048


def test_text_longer_than_is_read_is_flagged_by_its_ends() -> None:
    long = "a " * MAX_READ
    begin, middle, end = (
        results(moderation(input=text))[0]["flagged"]
        for text in (f"idiot {long}", f"{long} idiot {long}", f"{long} idiot")
    )
    assert (begin, middle, end) == (True, False, True)


ORDINARY = "I went to the market and he said that he would murder his boss, then we ate."


def test_ordinary_texts_are_read_however_many_there_are() -> None:
    assert all(result["flagged"] for result in results(moderation(input=[ORDINARY] * MAX_INPUTS)))


def test_many_long_texts_are_flagged_by_their_ends() -> None:
    rest = "a " * 1_000
    texts = [f"idiot {rest}", f"{rest} idiot {rest}", f"{rest} idiot", *[rest] * (MAX_INPUTS - 3)]
    assert [result["flagged"] for result in results(moderation(input=texts))[:3]] == [True, False, True]
    assert sum(map(len, read_texts(texts))) <= MAX_INPUTS * (ALWAYS_READ + 1)


def test_text_below_its_share_is_read_whole() -> None:
    middle = f"{'a ' * 7_000}murder{' a' * 7_000}"
    assert read_texts([middle, "b" * MAX_READ]) == [
        middle,
        "b" * ((MAX_READ - len(middle)) // 2) + "\n" + "b" * ((MAX_READ - len(middle)) // 2),
    ]


def test_short_texts_are_read_beside_a_long_one() -> None:
    _, short = results(moderation(input=["a " * MAX_READ, "you idiot"]))
    assert short["flagged"] is True
