"""Values in one text: what is searched for one word or one key has the places and values of the whole text."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.entity_patterns import IPV4
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.text_entities import MAX_FOUND, TextEntities
from mockllm.core.word_stems import stem

MANY = 200
UNUSUAL = "\u017f\u0131\u0130\u212a\u0663\u00b2\uff15\u00a0\u2028\u00df\ufb01"
"""Letters that are like `s`, `i` and `k` to a search that ignores case, digits of other scripts, unusual spaces."""
WORDS_OF_VALUES = [
    "sep",
    "1 \u017fep ",
    " 5 sep ",
    "two ",
    "f\u0131ve",
    " \u017fix",
    "2024",
    "2024-01-02",
    "T10:00",
    "7 pm",
    "name: ",
    " is ",
    "://",
    "$5",
]
KINDS = [
    *("numbers", "quoted", "urls", "emails", "uuids", "ips", "paths", "phones", "codes", "dates", "moments"),
    *("times", "names", "lower_places", "subjects", "expressions", "pairs"),
]
WORDS = st.lists(
    st.sampled_from(["line", "Lines", "liness", "line_2", "is", "ID", "ids", "a", "é", "l1ne", "straße"])
)


@given(WORDS, st.sampled_from([" ", "", "-", ", "]))
def test_places_of_word_are_those_of_its_stem(words: list[str], between: str) -> None:
    text = between.join(words)
    for word in ("line", "is", "id", "a"):
        places = [each.span() for each in re.finditer(r"[^\W\d_]+", text) if stem(each[0]) == word]
        assert list(TextEntities(text).places(word)) == places[:8]


def test_places_of_word_within_many_others_are_found() -> None:
    text = "cat" * MANY + " at " + "at " * MANY
    start = 3 * MANY + 1
    assert TextEntities(text).places("at")[0] == (start, start + 2)


@pytest.mark.parametrize(
    "text",
    [
        "city: Paris",
        '"home_city": "Paris"',
        "The City is called Paris.",
        "city Paris",
        "cities: Paris",
        "Ville Σ: Paris, city = Nîmes",
        "city " * MANY + "city: Paris",
        "_: 7",
        "straße in city: Köln",
        "lone \ud800 city is Köln",
        "İzmir: x, the home-city is Köln",
    ],
)
def test_paired_value_of_key_is_that_of_all_pairs(text: str) -> None:
    for key in ("city", "homecity", "cities", "ville", ""):
        assert TextEntities(text).paired(key) == TextEntities(text).pairs.get(key)


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("on 2025-01-31", ["2025-01-31"]),
        ("31 January 2025", ["2025-01-31"]),
        ("the id x2025 and 12345", []),
        ("2025 items", []),
        ("until 9999-12-31, since 0999-01-01", ["9999-12-31"]),
        ("May 5, 2024 and 5th of sept. 2023", ["2024-05-05", "2023-09-05"]),
        ("2024-01-31 may 2025", ["2024-01-31"]),
        ("2 may 2024-01-31", ["2024-01-31"]),
        ("dismay 5 2024, 2024-13-01", []),
    ],
)
def test_dates_are_found_by_a_year_of_its_own(text: str, dates: list[str]) -> None:
    assert [each.value for each in TextEntities(text).dates] == dates


@pytest.mark.parametrize(
    "text", ["1 \u017fep 2024", "two or \u017feven", "two f\u0131ve", "two F\u0130VE", "1.1.1.1.1"]
)
def test_letters_that_are_like_others_are_no_names(text: str) -> None:
    entities = TextEntities(text)
    assert entities.dates == []
    assert [each.value for each in entities.numbers] in ([1], [2], [1, 2024], [])


@given(st.lists(st.sampled_from([*"sSkKiIpP-:.,'\"@/ 0123456789", *UNUSUAL, *WORDS_OF_VALUES]), max_size=30))
def test_any_text_has_values_of_each_kind_or_none(fragments: list[str]) -> None:
    entities = TextEntities("".join(fragments))
    for kind in KINDS:
        assert len(getattr(entities, kind)) <= 2 * MAX_FOUND
    for key in ("", "name", "s", "\u017f"):
        assert entities.paired(key) == entities.pairs.get(key)


@given(st.lists(st.sampled_from([*"1240. x", "255", "1.2.3.4", "10.0.0.12"]), max_size=20))
def test_addresses_are_those_of_a_search_of_the_whole_text(fragments: list[str]) -> None:
    text = "".join(fragments)
    found = [(each.value, each.start) for each in TextEntities(text).ips]
    assert found == [(each[0], each.start()) for each in IPV4.finditer(text)][:MAX_FOUND]


def test_first_value_of_key_that_each_line_has_counts() -> None:
    entities = TextEntities(
        "\n".join(f"job_status: {value}, id: 7" for value in ("queued", "running", "done"))
    )
    assert entities.pairs == {"jobstatus": "queued", "status": "queued", "id": "7"}


def test_blank_quoted_text_is_no_value() -> None:
    assert TextEntities("a ' ' and 'b'").quoted[0].value == "b"
    schema = {"type": "object", "properties": {"first_name": {"type": "string"}}, "required": ["first_name"]}
    generated = generate(schema, Random(1), conversation=ConversationTexts('first name " "'))
    assert generated.value["first_name"].strip()


class _AnyText(TextEntities):
    """Takes no number for the value of a JSON member."""

    def _is_json_value(self, number: re.Match[str]) -> bool:
        return False


FRAGMENTS = (
    '{"a": ', '"b":', '": ', '":', "5", "12", "-3", "2024", "1.5", "05", "31", ",", ", ", "}", "]", "\n", " ", ":",
    "May", "5 May 2024", "May 5, 2024", "2024-05-31", "2024-05-31T10:30", "10:30", "at 5 pm", "http://host:80/1", ".",
    "a@b.de", "1.2.3.4", "12345678-1234-1234-1234-123456789012", '"', "of", "th", "x", "/", "-",
)  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12))
def test_numbers_of_json_are_those_of_any_text(fragments: list[str]) -> None:
    text = "".join(fragments)
    assert TextEntities(text).numbers == _AnyText(text).numbers


def test_more_words_than_a_text_remembers_have_the_same_places() -> None:
    names = [f"q{chr(97 + number // 26)}{chr(97 + number % 26)}z" for number in range(100)]
    entities = TextEntities(" ".join(f"{name}: Rome." for name in names))
    for _ in range(2):
        for name in names:
            place = entities.text.index(name)
            assert list(entities.places(name)) == [(place, place + 4)]
            assert entities.paired(name) == TextEntities(entities.text).pairs.get(name)
