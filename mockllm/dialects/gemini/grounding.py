"""The sources of a candidate's texts, as a search grounds them: the pages, and which of the answer each supports.

Places are in bytes of UTF-8, counted through all texts. Source: the API's reference, and recorded answers.
"""

from __future__ import annotations

from typing import Any

from mockllm.core.json.codec import Json
from mockllm.core.reply.citations import full_text, sources, span
from mockllm.core.reply.reply import Choice, Text


def grounding(choice: Choice) -> dict[str, Json] | None:
    """None where nothing is cited."""
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
    """What of the texts each of the pages supports; one entry where several support the same."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    before = 0
    for text in texts:
        whole = full_text(text)
        for citation in text.citations:
            start, end = span(citation, whole)
            segment: dict[str, Json] = {"endIndex": before + _bytes(whole[:end]), "text": whole[start:end]}
            first = before + _bytes(whole[:start])
            if first:
                segment = {"startIndex": first, **segment}
            at = (first, before + _bytes(whole[:end]))
            support = found.setdefault(at, {"segment": segment, "groundingChunkIndices": []})
            if places[citation.url] not in support["groundingChunkIndices"]:
                support["groundingChunkIndices"].append(places[citation.url])
        before += _bytes(whole)
    return list(found.values())


def _bytes(text: str) -> int:
    return len(text.encode())
