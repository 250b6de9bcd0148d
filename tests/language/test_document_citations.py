"""Citations of documents and search results that a request to Anthropic has."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.language.virtual_server import claude_request, respond_all, respond_once

DOCUMENT_TEXT = "Water boils at 100 degrees. Ice melts at 0 degrees. Iron melts at 1538 degrees."
ENABLED = {"enabled": True}
PLAIN = {
    "type": "document",
    "title": "facts.txt",
    "source": {"type": "text", "media_type": "text/plain", "data": DOCUMENT_TEXT},
    "citations": ENABLED,
}
PDF = {
    "type": "document",
    "title": "report.pdf",
    "source": {"type": "base64", "media_type": "application/pdf", "data": b64encode(b"%PDF-1.4").decode()},
    "citations": ENABLED,
}
CUSTOM = {
    "type": "document",
    "source": {
        "type": "content",
        "content": [{"type": "text", "text": "Tin melts."}, {"type": "text", "text": "Gold melts."}],
    },
    "citations": ENABLED,
}
FOUND = {
    "type": "search_result",
    "source": "https://a.example/water",
    "title": "Water",
    "content": [{"type": "text", "text": "Rivers are wet."}, {"type": "text", "text": "Water is wet."}],
    "citations": ENABLED,
}


def rule(citation: str, text: str = "Ice melts at 0 degrees.") -> str:
    return f"rules: [{{reply: {{text: {text}, citations: [{citation}]}}}}]"


def cited(citation: str, *blocks: Any, text: str = "Ice melts at 0 degrees.") -> Any:
    """Return the citation of the only block of the response."""
    content = [{"type": "text", "text": "Which?"}, *blocks]
    (block,) = respond_once(rule(citation, text), claude_request(content)).json["content"]
    (result,) = block["citations"]
    return result


@pytest.mark.parametrize(
    ("citation", "start", "end"),
    [
        ("facts.txt", 28, 52),
        ("{url: 'https://other.example'}", 28, 52),
        ("{url: facts.txt, quote: boils at 100}", 6, 18),
        ("{url: x, title: facts.txt, quote: '1538'}", 66, 70),
    ],
)
def test_plain_text_is_cited_by_characters(citation: str, start: int, end: int) -> None:
    assert cited(citation, PLAIN) == {
        "type": "char_location",
        "cited_text": DOCUMENT_TEXT[start:end],
        "document_index": 0,
        "document_title": "facts.txt",
        "start_char_index": start,
        "end_char_index": end,
    }


def test_text_that_document_lacks_cites_first_sentence() -> None:
    result = cited("facts.txt", PLAIN, text="It is cold.")
    assert (result["cited_text"], result["end_char_index"]) == (DOCUMENT_TEXT[:28], 28)


def test_quote_that_document_lacks_is_sent() -> None:
    result = cited("{url: facts.txt, quote: Nothing.}", PLAIN)
    assert (result["cited_text"], result["start_char_index"], result["end_char_index"]) == ("Nothing.", 0, 8)


@pytest.mark.parametrize(
    ("url", "page"), [("report.pdf", 1), ("report.pdf#page=3", 3), ("report.pdf#page=x", 1)]
)
def test_pdf_is_cited_by_pages(url: str, page: int) -> None:
    assert cited(f"{{url: '{url}', quote: Q.}}", PLAIN, PDF) == {
        "type": "page_location",
        "cited_text": "Q.",
        "document_index": 1,
        "document_title": "report.pdf",
        "start_page_number": page,
        "end_page_number": page + 1,
    }


def test_pdf_without_quote_cites_the_text() -> None:
    assert cited("report.pdf", PDF)["cited_text"] == "Ice melts at 0 degrees."


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ({"type": "url", "url": "https://b.example/r.pdf"}, "https://b.example/r.pdf"),
        ({"type": "file", "file_id": "file_1"}, "file_1"),
    ],
)
def test_document_is_found_by_address_or_file(source: Any, url: str) -> None:
    result = cited(url, PLAIN, {**PDF, "title": None, "source": source})
    assert (result["document_index"], result["document_title"]) == (1, None)
    assert result.get("file_id") == source.get("file_id")


@pytest.mark.parametrize(
    ("citation", "block"),
    [("x", 0), ("{url: x, quote: Gold}", 1), ("{url: x, quote: Lead}", 0)],
)
def test_custom_content_is_cited_by_blocks(citation: str, block: int) -> None:
    assert cited(citation, CUSTOM) == {
        "type": "content_block_location",
        "cited_text": ("Tin melts.", "Gold melts.")[block],
        "document_index": 0,
        "document_title": None,
        "start_block_index": block,
        "end_block_index": block + 1,
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [("Zinc.", "Zinc."), ([{"type": "image", "source": {}}], "Ice melts at 0 degrees."), (7, "")],
)
def test_custom_content_may_be_a_text_or_an_image(content: Any, text: str) -> None:
    document = {**CUSTOM, "source": {"type": "content", "content": content}}
    request = claude_request([{"type": "text", "text": "Which?"}, document])
    (block,) = respond_once("validation: off\n" + rule("x"), request).json["content"]
    (result,) = block["citations"]
    assert result["cited_text"] == (text or "Ice melts at 0 degrees.")
    assert result["type"] == "content_block_location"


def test_search_result_is_cited_by_blocks() -> None:
    assert cited("'https://a.example/water'", PLAIN, FOUND, text="Water is wet.") == {
        "type": "search_result_location",
        "cited_text": "Water is wet.",
        "search_result_index": 0,
        "source": "https://a.example/water",
        "title": "Water",
        "start_block_index": 1,
        "end_block_index": 2,
    }


def test_documents_in_tool_results_and_earlier_turns_are_counted() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [PDF, FOUND]}
    messages = [
        {"role": "user", "content": [{**PLAIN, "citations": None}, CUSTOM]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    responses = respond_all(
        rule("report.pdf, 'https://a.example/water'"), claude_request(messages=messages, tools=tools)
    )
    (pdf, found) = responses[0].json["content"][0]["citations"]
    assert (pdf["document_index"], found["search_result_index"]) == (2, 0)


def test_stream_cites_document_as_body_does() -> None:
    request = claude_request([PLAIN], stream=True)
    events = [event.json for event in respond_once(rule("facts.txt"), request).events]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert deltas[0] == {"type": "citations_delta", "citation": cited("facts.txt", PLAIN)}


@pytest.mark.parametrize("citations", [None, {"enabled": False}, 7])
def test_document_without_citations_is_not_cited(citations: Any) -> None:
    request = claude_request([{"type": "text", "text": '"citations"'}, {**PLAIN, "citations": citations}])
    (block,) = respond_once("validation: off\n" + rule("facts.txt"), request).json["content"]
    assert block["citations"][0]["type"] == "web_search_result_location"


def test_web_search_of_reply_has_citations_of_pages() -> None:
    yaml = """
    rules:
      - reply:
          server_tools: [{web_search: {query: ice, sources: ["https://c.example"]}}]
          text: Ice melts.
          citations: ["https://c.example", facts.txt]
    """
    content = respond_once(yaml, claude_request([PLAIN])).json["content"]
    kinds = [citation["type"] for citation in content[-1]["citations"]]
    assert kinds == ["web_search_result_location", "char_location"]


def test_cached_response_cites_document_of_its_own_request() -> None:
    other = {**PLAIN, "title": "more.txt"}
    requests = [claude_request([each]) for each in (PLAIN, other, PLAIN)]
    responses = respond_all(rule("x"), *requests)
    titles = [each.json["content"][0]["citations"][0]["document_title"] for each in responses]
    assert titles == ["facts.txt", "more.txt", "facts.txt"]


@pytest.mark.parametrize("messages", [[None], [{"content": 3}], [{"content": [3]}], {"content": 1}])
def test_citations_of_any_messages_are_sent(messages: Any) -> None:
    request = claude_request(messages=messages, note='"citations"')
    assert respond_once("validation: off\n" + rule("x"), request).status == 200
