"""The token estimate compared with known counts, and token-like parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core import tokens
from mockllm.core.tokens import estimate, split

PROSE = (
    "The server reads each request once, finds the first rule that matches, and writes the answer in the "
    "provider's own format. Nothing is built in: without any pack, only the files in your folder answer. "
    "When no rule is left, the error names the three nearest rules and says what differed, so that a typing "
    "mistake costs a minute instead of an afternoon."
)
CODE = """\
def fold(pieces: list[str], size: int) -> list[str]:
    if size == 1:
        return pieces
    groups = []
    for start in range(0, len(pieces), size):
        groups.append("".join(pieces[start:start + size]))
    return groups
"""
JSON = (
    '{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],'
    '"usage":{"input_tokens":12,"output_tokens":345}}'
)
CHINESE = "服务器读取每个请求一次，找到第一条匹配的规则，并以提供商自己的格式写出答案。"
JAPANESE = (
    "サーバーは各リクエストを一度だけ読み、最初に一致した規則を見つけて、プロバイダーの形式で答えます。"
)
RUSSIAN = "Сервер читает каждый запрос один раз, находит первое подходящее правило и пишет ответ."
GERMAN = (
    "Der Server liest jede Anfrage einmal, findet die erste passende Regel und schreibt die Antwort im "
    "Format des Anbieters."
)
SHORT = "Hello! I'm a mock LLM response. How can I help you today?"
TEXTS = [PROSE, CODE, JSON, CHINESE, JAPANESE, RUSSIAN, GERMAN, SHORT]


@pytest.mark.parametrize(
    ("text", "counted", "error"),
    [
        pytest.param(PROSE, 73, 0.1, id="English prose"),
        pytest.param(CODE, 62, 0.1, id="Python code"),
        pytest.param(JSON, 39, 0.2, id="compact JSON"),
        pytest.param(GERMAN, 23, 0.1, id="German"),
        pytest.param(JAPANESE, 39, 0.1, id="Japanese"),
        pytest.param(SHORT, 16, 0.2, id="a short answer"),
        pytest.param(RUSSIAN, 21, 0.3, id="Russian, which is short of its known error"),
        pytest.param(CHINESE, 24, 0.5, id="Chinese of the simplest words"),
    ],
)
def test_estimate_is_close_to_o200k(text: str, counted: int, error: float) -> None:
    assert estimate(text) == pytest.approx(counted, rel=error)


def test_estimate_of_empty_text_is_zero() -> None:
    assert estimate("") == 0


@pytest.mark.parametrize("text", ["a", " ", "\n", "é", "😀", "\ud800", "                "])
def test_estimate_of_text_is_at_least_one(text: str) -> None:
    assert estimate(text) >= 1


@pytest.mark.parametrize("text", TEXTS)
def test_estimate_grows_with_text(text: str) -> None:
    counts = [estimate(text[:length]) for length in range(len(text) + 1)]
    assert counts == sorted(counts)


def test_estimate_cache_is_bounded() -> None:
    for number in range(5000):
        estimate(f"text {number}")
    cached = tokens._weigh_short.cache_info()
    assert cached.currsize == cached.maxsize == 2048


def test_estimate_cache_has_a_text_that_is_repeated() -> None:
    for number in range(5000):
        estimate("You are a helpful assistant.")
        estimate(f"text {number}")
    hits = tokens._weigh_short.cache_info().hits
    estimate("You are a helpful assistant.")
    assert tokens._weigh_short.cache_info().hits == hits + 1


def test_estimate_does_not_cache_long_texts() -> None:
    text = PROSE * 20
    assert estimate(text) == pytest.approx(74 * 20, rel=0.02)
    misses = tokens._weigh_short.cache_info().misses
    estimate(text)
    assert tokens._weigh_short.cache_info().misses == misses


@pytest.mark.parametrize(
    "text", [*TEXTS, "", "  a  b\r\n\n c\t", "_x__y", "1234567.5e10", "👩\u200d💻 ok", "ñandú²"]
)
def test_chunks_join_to_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        pytest.param("Hello world, you!", ["Hello", " world", ",", " you", "!"], id="a word takes its space"),
        pytest.param("12345", ["123", "45"], id="digits go by three"),
        pytest.param("it isn't", ["it", " isn't"], id="an ending stays with its word"),
        pytest.param("getHTTPResponse", ["get", "HTTPResponse"], id="a capital begins a word"),
        pytest.param("if (x):\n    y", ["if", " (", "x", "):\n", "   ", " y"], id="signs go together"),
        pytest.param("a\n\nb", ["a", "\n\n", "b"], id="line ends go together"),
        pytest.param("internationalization", ["internat", "ionaliza", "tion"], id="long words go in parts"),
        pytest.param("日本語です", ["日本", "語で", "す"], id="scripts without spaces go by two"),
        pytest.param("a" + " " * 40 + "b", ["a", " " * 39, " b"], id="spaces stay together"),
    ],
)
def test_split_returns_token_like_parts(text: str, chunks: list[str]) -> None:
    assert split(text) == chunks


@pytest.mark.parametrize("text", [PROSE, CODE, JSON, GERMAN, SHORT])
def test_split_count_is_close_to_estimate(text: str) -> None:
    assert len(split(text)) == pytest.approx(estimate(text), rel=0.25)


SIGNS = st.sampled_from([*map(chr, range(128)), "'re", "'S", "  ", "\r\n"])


@given(st.lists(SIGNS, max_size=20))
def test_split_of_ascii_is_that_of_any_text(signs: list[str]) -> None:
    text = "".join(signs)
    assert tokens._ASCII_WORDS.findall(text) == tokens._WORDS.findall(text)
