"""Perplexity's chat responses: what its `Vendor` cannot express. From recordings of July and August 2026."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.reply import Choice, Citation, Text, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder


def perplexity_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage with the cost of the request, which is constant."""
    cost = {
        "input_tokens_cost": 1e-05,
        "output_tokens_cost": 1e-05,
        "request_cost": 0.005,
        "total_cost": 0.00502,
    }
    return {**plain_usage(counted), "search_context_size": "low", "cost": cost}


NO_COST: Final = {"input_tokens_cost": 0, "output_tokens_cost": 0, "total_cost": 0}
"""The cost in a chunk before the last one."""


class Perplexity(VendorEncoder):
    """Perplexity. Every choice has both a message and a delta. In a stream the message is the text so far, and in a
    non-streaming response the delta is empty. The sources of the text are beside the choices. Every chunk counts the
    tokens, and none ends the stream. Only the one with the finish reason has a cost (recordings of July and August
    2026)."""

    null_finish = False

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"role": "assistant", "content": chunk}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        return ()

    @cached_property
    def _so_far(self) -> dict[int, str]:
        """The text of each choice so far, by its number."""
        return {}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        number = content["index"]
        if "message" in content:
            content = {**content, "delta": {"role": "assistant", "content": ""}}
        else:
            text = self._so_far.get(number, "") + (content["delta"].get("content") or "")
            self._so_far[number] = text
            content = {**content, "message": {"role": "assistant", "content": text}}
        return super().choice(content, finish)

    def body(self) -> dict[str, Json]:
        return self._with_sources(super().body())

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        ends = any("finish_reason" in choice for choice in choices)
        usage = self._counted if ends else {**self._counted, "cost": NO_COST}
        return self._with_sources(
            self.reply.usage.null_or_remove_usage({**super().chunk(choices), "usage": usage}, "usage")
        )

    def _with_sources(self, content: dict[str, Json]) -> dict[str, Json]:
        """Add the sources that the scenario does not state itself."""
        return content | {name: value for name, value in self._sources().items() if name not in content}

    def _sources(self) -> dict[str, Json]:
        cited: dict[str, Citation] = {}
        for choice in self.reply.choices:
            for part in choice.parts:
                for citation in part.citations if type(part) is Text else ():
                    cited.setdefault(citation.url, citation)
        results = [_search_result(citation) for citation in cited.values()]
        return {"citations": list(cited), "search_results": results}


def _search_result(citation: Citation) -> Json:
    return {
        "title": citation.title or citation.url,
        "url": citation.url,
        "date": "2026-06-07",
        "last_updated": "2026-06-08",
        "snippet": citation.quote or "",
        "source": "web",
    }
