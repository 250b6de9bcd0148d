"""Decodes the citations of Anthropic's text blocks: each supports the whole text of its block."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.dialects.decoded_response import DecodedCitation, ResponseDecoder


class CitationCollector:
    """Collects the citations of the open text block, and adds them to the decoded response at its end."""

    def __init__(self, decoder: ResponseDecoder) -> None:
        self._decoder = decoder
        self._start = 0
        self._open: list[dict[str, Json]] = []

    def open(self, block: Json) -> None:
        """Begin a block, before its text is read. A block of a non-streaming response has its citations."""
        self.close()
        self._start = self._position
        self._open = list(objects(object_of(block).get("citations")))

    def add(self, citation: Json) -> None:
        self._open.append(object_of(citation))

    def close(self) -> None:
        """Add the citations of the block that was open. A source without an address is left out."""
        for citation in self._open:
            url = text_of(citation.get("url"))
            if url is None:
                self._decoder.left_out[text_of(citation.get("type")) or "citations"] = None
                continue
            title, quote = text_of(citation.get("title")), text_of(citation.get("cited_text"))
            self._decoder.citations += (DecodedCitation(url, title, self._start, self._position, quote),)
        self._open = []

    @property
    def _position(self) -> int:
        return len(self._decoder.text("text") or "")
