"""Decodes the sources of a candidate's text, in the form of a search's grounding."""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.dialects.decoded_response import DecodedCitation, ResponseDecoder

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
