"""Documents of requests to Anthropic that are large or malformed: what is read of them, and what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from gc import get_referents
from types import FunctionType, ModuleType
from typing import Any, Final

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.anthropic import document_citations
from mockllm.dialects.anthropic.document_citations import MAX_SENTENCE, SENTENCE_END
from tests.dialects.full_requests import with_each_member
from tests.language.test_document_citations import cited, rule
from tests.language.virtual_server import VirtualServer, claude_request


def plain(text: str) -> Any:
    return {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": text},
        "citations": {"enabled": True},
    }


def test_sentences_far_from_the_words_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    class Recorded:
        def finditer(self, text: str, start: int, end: int) -> Any:
            read.append(end - start)
            return SENTENCE_END.finditer(text, start, end)

        def search(self, text: str, start: int, end: int) -> Any:
            read.append(end - start)
            return SENTENCE_END.search(text, start, end)

    monkeypatch.setattr(document_citations, "SENTENCE_END", Recorded())
    before, after = "A. " * 100_000, "Z. " * 100_000
    request = claude_request([plain(f"{before}Ice melts. {after}")], stream=True)
    server = VirtualServer(rule("a, b, c", "Ice melts"))
    deltas = [
        event.json["delta"] for event in server.respond(request).events if "citations_delta" in event.data
    ]
    result = deltas[-1]["citation"]
    assert (result["cited_text"], result["start_char_index"]) == ("Ice melts. ", len(before))
    assert 0 < sum(read) <= 3 * 2 * (MAX_SENTENCE + len("Ice melts"))


def test_sentence_without_an_end_is_cited_in_part() -> None:
    around = "x" * 1_000_000
    result = cited("a", plain(f"{around} Ice melts {around}"), text="Ice melts")
    assert len(result["cited_text"]) == len("Ice melts") + 2 * MAX_SENTENCE


def test_sentence_ends_where_the_words_end() -> None:
    assert cited("a", plain("So. Ice melts. It is."), text="Ice melts.")["cited_text"] == "Ice melts. "


def reachable_texts(start: object) -> Iterator[str | bytes]:
    """Yield the texts that an object refers to, but for those of modules, functions and classes."""
    seen, rest = set[int](), [start]
    while rest:
        value = rest.pop()
        if id(value) in seen or isinstance(value, ModuleType | FunctionType | type):
            continue
        seen.add(id(value))
        if isinstance(value, str | bytes):
            yield value
        rest += get_referents(value)


@pytest.mark.parametrize(
    ("stream", "pace"), [(False, "0s"), (True, "0s"), (True, "[1s, 2s]")], ids=["whole", "streamed", "paced"]
)
@pytest.mark.parametrize("reply", ["ok", "{text: ok, citations: [a]}"], ids=["plain", "cited"])
def test_cache_has_no_documents(reply: str, pace: str, stream: bool) -> None:
    server = VirtualServer(f"rules: [{{reply: {reply}, pace: {{ttft: {pace}}}}}]")
    for number in range(3):
        request = claude_request([plain(f"{number // 3} Ice. {'x' * 50_000}")], stream=stream)
        for _ in range(3):
            server.respond(request)
    entries = server.engine._planner.response_cache.entries
    assert entries
    assert max(map(len, reachable_texts([*entries.items()]))) < 50_000


MALFORMED: Final[list[Json]] = [None, 3, "x", [], {}, [[]], [{}], {"type": []}, {"enabled": True}]


@pytest.mark.parametrize("validation", ["lenient", "off"])
@pytest.mark.parametrize("reply", ["ok", "{text: ok, citations: [a]}"], ids=["plain", "cited"])
def test_malformed_documents_make_no_500(reply: str, validation: str) -> None:
    server = VirtualServer(f"validation: {validation}\nrules: [{{reply: {reply}}}]")
    search = {"type": "search_result", "title": "t", "source": "s", "citations": {"enabled": True}}
    contents = plain("x") | {"source": {"type": "content", "content": [{"type": "text", "text": "x"}]}}
    blocks = [plain("x"), contents, {**search, "content": [{"type": "text", "text": "x"}]}]
    for block in (*blocks, *[{"type": "tool_result", "content": [each]} for each in blocks]):
        for changed in (*MALFORMED, *with_each_member(block, tuple(MALFORMED), 4)):
            content = [changed, plain("y")]
            assert server.respond(claude_request(content)).status == 200, content
