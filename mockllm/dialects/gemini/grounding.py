"""The sources of a candidate's texts, in the form of a search's grounding: pages of the web, or documents of file
search stores.

Positions are in bytes of UTF-8 and count through all texts. Sources: the API's reference, and recorded responses.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.reply.citations import full_text, sources, span
from mockllm.core.reply.reply import Choice, Citation, Text
from mockllm.dialects.decoded_response import DecodedCitation, ResponseDecoder
from mockllm.dialects.gemini.file_search.retrieval import RetrievedContexts


def grounding(choice: Choice, contexts: RetrievedContexts | None) -> dict[str, Json] | None:
    """Return the chunks, and the part of the response that each supports; None where no text has sources. `contexts`:
    what a search of files retrieves; None without one."""
    texts = [part for part in choice.parts if type(part) is Text]
    cited = sources(citation for text in texts for citation in text.citations)
    if not cited:
        return None
    places = {source.url: number for number, source in enumerate(cited)}
    return {
        "groundingChunks": [_chunk(source, contexts) for source in cited],
        "groundingSupports": _supports(texts, places),
    }


def _chunk(source: Citation, contexts: RetrievedContexts | None) -> Json:
    """Return a document that a search of files retrieves, else a page. Without a document, a search retrieves every
    source that is no address of a page."""
    title = source.title or source.url
    context = None if contexts is None else contexts.find(source.url)
    if context is None:
        return {"web": {"uri": source.url, "title": title}}
    quoted = {} if source.quote is None else {"text": source.quote}
    return {"retrievedContext": {"title": title, **context, **quoted}}


def _supports(texts: list[Text], places: dict[str, int]) -> list[Json]:
    """Return the text segments with the sources that support each; one entry where several sources support the same
    segment."""
    supports: dict[tuple[int, int], dict[str, Json]] = {}
    before = 0
    for text in texts:
        content = full_text(text)
        for citation in text.citations:
            start, end = span(citation, content)
            segment: dict[str, Json] = {
                "endIndex": before + _bytes(content[:end]),
                "text": content[start:end],
            }
            first = before + _bytes(content[:start])
            if first:
                segment = {"startIndex": first, **segment}
            at = (first, before + _bytes(content[:end]))
            support = supports.setdefault(at, {"segment": segment, "groundingChunkIndices": []})
            if places[citation.url] not in support["groundingChunkIndices"]:
                support["groundingChunkIndices"].append(places[citation.url])
        before += _bytes(content)
    return list(supports.values())


def _bytes(text: str) -> int:
    return len(text.encode())


KNOWN: Final = frozenset({"groundingChunks", "groundingSupports"})
"""The members of grounding that a reply has."""
OTHER_SOURCES: Final = ("citationMetadata", "urlContextMetadata")
"""The members of a candidate with further sources, which a reply lacks."""


def read_grounding(grounding: dict[str, Json], decoder: ResponseDecoder) -> None:
    """Read the grounding of the complete text. Positions are in bytes of UTF-8. A source that is no page of the web
    is left out."""
    for name in grounding.keys() - KNOWN:
        decoder.left_out[name] = None
    pages: dict[int, tuple[str, str | None]] = {}
    for place, page in enumerate(objects(grounding.get("groundingChunks"))):
        web = object_of(page.get("web"))
        url = text_of(web.get("uri"))
        if url is None:
            decoder.left_out[next(iter(page), "groundingChunks")] = None
        else:
            pages[place] = (url, text_of(web.get("title")))
    text = (decoder.text("text") or "").encode()
    unsupported = set(pages)
    for support in objects(grounding.get("groundingSupports")):
        segment = object_of(support.get("segment"))
        start, end = (_characters(text, segment.get(name)) for name in ("startIndex", "endIndex"))
        places = support.get("groundingChunkIndices")
        for place in places if type(places) is list else ():
            if type(place) is int and place in pages:
                unsupported.discard(place)
                decoder.citations += (DecodedCitation(*pages[place], start or 0, end),)
    if unsupported:
        decoder.left_out["groundingChunks without a support"] = None


def _characters(text: bytes, count: Json) -> int | None:
    """Return the number of characters in the first bytes of a text."""
    return len(text[:count].decode(errors="ignore")) if type(count) is int and count >= 0 else None
