"""Chat encoders of Cerebras, Perplexity and Z.ai, for differences that a row's fields cannot express.

From recordings of March to August 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.reply import Call, Choice, Citation, Text, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder


class Cerebras(VendorEncoder):
    """Cerebras. Models of Llama count no details of the tokens (recordings of 2025 and 2026), where none differs.
    Models of Gemma count the tokens of images, and none of a prediction. The last chunk of a stream always has usage
    and times, and only that one has a finish reason (recordings of July 2026)."""

    null_finish = False

    def usage(self, counted: Usage) -> dict[str, Json]:
        model = self.reply.model or self._request.model or ""
        if model.startswith("llama") and not (counted.cached_read or counted.reasoning):
            return plain_usage(counted)
        if model.startswith("gemma"):
            reasoning = {"reasoning_tokens": counted.reasoning}
            return {"image_tokens": 0, **super().usage(counted), "completion_tokens_details": reasoning}
        return super().usage(counted)

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant"}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        del result["logprobs"]
        return result

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        ends = bool(choices) and "finish_reason" in choices[0]
        return {**result, "time_info": self.form.body["time_info"]} if ends else result

    def _call_delta(self, call: Call, choice: int, chunk: str) -> dict[str, Json]:
        delta = super()._call_delta(call, choice, chunk)
        delta["tool_calls"][0]["type"] = "function"
        return delta

    def stream_error(self, failure: Failure) -> Json:
        """Return the error in an envelope: no report of one in a stream exists, and SDKs raise no other."""
        return {"error": super().stream_error(failure)}


def huggingface_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": None}


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
            self.reply.usage.put_into({**super().chunk(choices), "usage": usage}, "usage")
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


def zai_usage(counted: Usage) -> dict[str, Json]:
    return {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cached_read},
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning},
    }


class Zai(VendorEncoder):
    """Z.ai. The id of a response is also the id of its request. Each text has the role beside it."""

    null_finish = False

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"role": "assistant", "content": chunk}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"role": "assistant", "reasoning_content": chunk}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return self.text_delta("")

    def body(self) -> dict[str, Json]:
        result = super().body()
        return {"request_id": result["id"], **result}
