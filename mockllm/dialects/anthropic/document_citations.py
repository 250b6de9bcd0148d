"""Citations of the documents and the search results that a request has.

Sources: a recorded citation of a plain text, and the citations and blocks in `anthropic.types`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.reply.citations import full_text
from mockllm.core.reply.reply import Citation, Text
from mockllm.core.value_or_digest import value_or_digest

SENTENCE_END: Final = re.compile(r"[.!?]\s+")
MAX_SENTENCE: Final = 2_000
"""The most characters before and after the cited words in which the ends of their sentences are searched."""

_PAGE: Final = re.compile(r"#page=(\d{1,6})\Z")


class CitableDocument(Struct, frozen=True):
    """A document or a search result with citations. `kind`: the type of its citations. `index`: its number among
    all documents, or all search results, of the request. `texts`: its blocks, or its only text."""

    kind: str
    index: int
    title: str | None
    texts: tuple[str, ...] = ()
    address: str | None = None
    file_id: str | None = None

    @property
    def key(self) -> Hashable:
        """The part of a cache key with this document."""
        texts = map(value_or_digest, self.texts)
        return (self.kind, self.index, self.title, self.address, self.file_id, *texts)

    def has_name(self, name: str | None) -> bool:
        return name is not None and name in (self.title, self.address, self.file_id)


class LocatedCitation(Citation, frozen=True, kw_only=True):
    """A citation of a document. `location`: as the protocol has it. It refers to no text of the document."""

    location: dict[str, Json]


def citable_documents(messages: Json) -> tuple[CitableDocument, ...]:
    """Return the documents and search results of the messages whose citations are enabled."""
    counts = {"document": 0, "search_result": 0}
    result = []
    for block in _blocks(messages):
        kind = text_of(block.get("type"))
        if kind not in counts:
            continue
        index, counts[kind] = counts[kind], counts[kind] + 1
        if object_of(block.get("citations")).get("enabled") is True:
            read = _document if kind == "document" else _search_result
            result.append(read(block, index))
    return tuple(result)


def _blocks(messages: Json) -> Iterator[dict[str, Json]]:
    """Yield the blocks of messages, and those of tool results."""
    for message in objects(messages):
        for block in objects(message.get("content")):
            yield block
            if block.get("type") == "tool_result":
                yield from objects(block.get("content"))


def _document(block: dict[str, Json], index: int) -> CitableDocument:
    source, title = object_of(block.get("source")), text_of(block.get("title"))
    match source:
        case {"type": "text", "data": str(text)}:
            return CitableDocument("char_location", index, title, (text,))
        case {"type": "content", "content": content}:
            texts = (content,) if type(content) is str else _texts(content)
            return CitableDocument("content_block_location", index, title, texts)
    address, file_id = text_of(source.get("url")), text_of(source.get("file_id"))
    return CitableDocument("page_location", index, title, (), address, file_id)


def _search_result(block: dict[str, Json], index: int) -> CitableDocument:
    title, source = text_of(block.get("title")), text_of(block.get("source"))
    return CitableDocument("search_result_location", index, title, _texts(block.get("content")), source or "")


def _texts(blocks: Json) -> tuple[str, ...]:
    """Return the text of each block; an image has none."""
    return tuple(text_of(block.get("text")) or "" for block in objects(blocks))


def with_documents(text: Text, documents: Sequence[CitableDocument], *, searched: bool) -> Text:
    """Return a text with citations of documents where its citations can mean them. `searched`: citations that name
    no document are those of a search."""
    words = full_text(text)
    citations: list[Citation] = []
    for citation in text.citations:
        document = _meant(citation, words, documents, named_only=searched)
        if document is not None:
            location = _location(citation, document, words)
            citation = LocatedCitation(**asdict(citation), location=location)
        citations.append(citation)
    return replace(text, citations=tuple(citations))


def _meant(
    citation: Citation, words: str, documents: Sequence[CitableDocument], *, named_only: bool
) -> CitableDocument | None:
    """Return the document that a citation names by its title, address or file. Else it is one with the quote or the
    words of the response, else the first one."""
    names = (citation.url.partition("#page=")[0], citation.title)
    named = next((each for each in documents if any(map(each.has_name, names))), None)
    if named is not None or named_only:
        return named
    for part in (citation.quote, words):
        for each in documents:
            if part and any(part in text for text in each.texts):
                return each
    return documents[0]


def _location(citation: Citation, document: CitableDocument, words: str) -> dict[str, Json]:
    """Return a citation of a document as the protocol has it. `words` are those of the response that it supports."""
    quote = citation.quote
    if document.kind == "char_location":
        start, end = _characters(document.texts[0], quote, words)
        place: dict[str, Json] = {"start_char_index": start, "end_char_index": end}
        cited = quote or document.texts[0][start:end]
    elif document.kind == "page_location":
        page = _PAGE.search(citation.url)
        first = int(page[1]) if page is not None else 1
        place, cited = {"start_page_number": first, "end_page_number": first + 1}, quote or words
    else:
        block = _block(document.texts, quote, words)
        place = {"start_block_index": block, "end_block_index": block + 1}
        cited = document.texts[block] if block < len(document.texts) else ""
    result: dict[str, Json] = {"type": document.kind, "cited_text": cited or quote or words}
    if document.kind == "search_result_location":
        named: dict[str, Json] = {"search_result_index": document.index, "source": document.address}
        return {**result, **named, "title": document.title, **place}
    result |= {"document_index": document.index, "document_title": document.title, **place}
    return result if document.file_id is None else {**result, "file_id": document.file_id}


def _characters(text: str, quote: str | None, words: str) -> tuple[int, int]:
    """Return start and end of the quote; without one, of the sentences with the words, or of the first sentence."""
    if quote:
        start = max(text.find(quote), 0)
        return start, min(start + len(quote), len(text))
    found = text.find(words)
    if found < 0:
        found, words = 0, ""
    first, last = max(found - MAX_SENTENCE, 0), found + len(words) + MAX_SENTENCE
    before = [end.end() for end in SENTENCE_END.finditer(text, first, found)]
    # the words may end with the end of a sentence
    after = SENTENCE_END.search(text, max(found + len(words.rstrip()) - 1, found), last)
    return before[-1] if before else first, after.end() if after is not None else min(last, len(text))


def _block(texts: Sequence[str], quote: str | None, words: str) -> int:
    """Return the number of the block with the quote or the words; 0 where none has them."""
    for part in (quote, words):
        for number, text in enumerate(texts):
            if part and part in text:
                return number
    return 0
