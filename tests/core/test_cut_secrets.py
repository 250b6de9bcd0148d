"""Parts of secrets beside an ellipsis."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.cut_secrets import MAX_CUTS, MIN_PART, cut_places
from mockllm.core.display import brief, brief_ends
from mockllm.core.json.codec import Json
from mockllm.core.redaction import Redactor

SECRET = "".join(f"{number:02d}:" for number in range(60))


@pytest.mark.parametrize("value", [SECRET, {"authorization": SECRET}, f"my key is {SECRET}"], ids=str)
@pytest.mark.parametrize("show", [brief, brief_ends])
@pytest.mark.parametrize("ascii", [False, True])
def test_shown_part_of_a_secret_is_masked(value: Json, show: type[str], ascii: bool) -> None:
    redactor, line = Redactor((SECRET,)), show(value)
    data = json.dumps(line, ensure_ascii=ascii).encode()
    for masked in (redactor.text(line), redactor.data(data).decode()):
        assert not any(f"{number:02d}:{number + 1:02d}" in masked for number in range(60))
    assert len(redactor.data(data)) == len(data)


@given(secret=st.text("ab", min_size=MIN_PART + 1, max_size=100), text=st.text("ab …", max_size=200))
def test_places_have_parts_of_the_secret(secret: str, text: str) -> None:
    data, encoded = text.encode(), secret.encode()
    for begin, end in cut_places(data, [encoded]) or ():
        part = data[begin:end]
        assert len(part) >= MIN_PART
        assert encoded.startswith(part) or encoded.endswith(part)


def test_text_beside_an_ellipsis_stays() -> None:
    assert Redactor((SECRET,)).text("wait … 00:01, then …") == "wait … 00:01, then …"
    assert Redactor(("12345678",)).text("1234567… 2345678") == "1234567… 2345678"


def test_repeated_beginning_is_found() -> None:
    assert cut_places("aaaaaaaab aaaaaaaaab…".encode(), [b"aaaaaaaabc"]) == [(11, 20)]


def test_many_ellipses_are_masked_with_all_else() -> None:
    data = "…".encode() * (MAX_CUTS + 1)
    assert Redactor((SECRET,)).data(data) == b"*" * len(data)
    assert Redactor((SECRET,)).text(data.decode()) == "REDACTED"
    assert Redactor(()).data(data) == data
