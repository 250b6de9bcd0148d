"""The sources of a candidate's texts, in the form of a search's grounding: the pages, and the part of the
response that each supports.

Positions are in bytes of UTF-8 and count through all texts. Source: the API's reference, and recorded
responses.
"""

from __future__ import annotations

from typing import Any

from mockllm.core.json.codec import Json
from mockllm.core.reply.citations import full_text, sources, span
from mockllm.core.reply.reply import Choice, Text


def grounding(choice: Choice) -> dict[str, Json] | None:
    """Return the grounding; None where no text has sources."""
    texts = [part for part in choice.parts if type(part) is Text]
    pages = sources(citation for text in texts for citation in text.citations)
    if not pages:
        return None
    places = {page.url: number for number, page in enumerate(pages)}
    return {
        "groundingChunks": [{"web": {"uri": page.url, "title": page.title or page.url}} for page in pages],
        "groundingSupports": _supports(texts, places),
    }


def _supports(texts: list[Text], places: dict[str, int]) -> list[Json]:
    """Return the text segments with the pages that support each; one entry where several pages support the
    same segment."""
    supports: dict[tuple[int, int], dict[str, Any]] = {}
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
