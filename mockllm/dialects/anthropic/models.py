"""GET /v1/models and /v1/models/{model}: a few well-known models, and those that the rules name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.lazy import lazy
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.errors import error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, request_id
from mockllm.dialects.anthropic.messages_request import AnthropicRequest
from mockllm.dialects.dialect import ResponseIdentity

_KNOWN: Final[dict[str, tuple[str, str, int, int]]] = {
    "claude-opus-5": ("Claude Opus 5", "2026-07-24T00:00:00Z", 1_000_000, 128_000),
    "claude-sonnet-5": ("Claude Sonnet 5", "2026-06-29T00:00:00Z", 1_000_000, 128_000),
    "claude-opus-4-8": ("Claude Opus 4.8", "2026-05-28T00:00:00Z", 1_000_000, 128_000),
    "claude-sonnet-4-6": ("Claude Sonnet 4.6", "2026-02-17T00:00:00Z", 1_000_000, 128_000),
    "claude-haiku-4-5-20251001": ("Claude Haiku 4.5", "2025-10-15T00:00:00Z", 200_000, 64_000),
    "claude-sonnet-4-5-20250929": ("Claude Sonnet 4.5", "2025-09-29T00:00:00Z", 1_000_000, 64_000),
}
"""Display name, release, context window, longest answer; newest first, as the live list stands."""
WELL_KNOWN: Final = tuple(_KNOWN)
_PAGE, _LONGEST_PAGE = 20, 1000


class AnthropicModelsRequest(AnthropicRequest):
    api: ClassVar[str | None] = "models"

    @lazy
    def model(self) -> str | None:
        """The model that the path names; None for the list."""
        return self.route.get("model")


class AnthropicModels:
    """The dialect object of the list, and of one model of it."""

    name: str = "anthropic"
    api: str = "models"
    generates: bool = False
    request: type[Request] = AnthropicModelsRequest

    def check(self, request: Request) -> Failure | None:
        """The page's size; the rest of the query is two ids."""
        limit = request.query.get("limit")
        if limit is None:
            return None
        size = _number(limit)
        if size is None:
            said = "Input should be a valid integer, unable to parse string as an integer"
        elif size < 1:
            said = "Input should be greater than or equal to 1"
        elif size > _LONGEST_PAGE:
            said = f"Input should be less than or equal to {_LONGEST_PAGE}"
        else:
            return None
        return Failure("bad_request", message=f"limit: {said}")

    def check_readable(self, request: Request) -> Failure | None:
        return None

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        """One model: any id is known, as any is answered by messages. The list: the rules' models first."""
        body = _page(request, models) if request.model is None else _model(request.model)
        head = ResponseHead(200, (JSON_TYPE, ("request-id", request_id(stamp))))
        return Plan(head, (EventStep(dumps(body), 0, "body"),))


def _page(request: Request, models: Sequence[str]) -> Json:
    """At most `limit` models behind `after_id`, or the last of those before `before_id`."""
    names = list(dict.fromkeys((*models, *_KNOWN)))
    after, before = request.query.get("after_id"), request.query.get("before_id")
    size = max(_number(request.query.get("limit", "")) or _PAGE, 1)
    if before in names:
        rest = names[: names.index(before)]
        page = rest[-size:]
    else:
        rest = names[names.index(after) + 1 :] if after in names else names
        page = rest[:size]
    return {
        "data": [_model(name) for name in page],
        "has_more": len(rest) > len(page),
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }


def _model(name: str) -> Json:
    """What the list tells of a model; one that nobody has heard of is like the newest, under its own name."""
    shown, created, window, longest = _KNOWN.get(name, (name, "2026-07-24T00:00:00Z", 1_000_000, 128_000))
    return {
        "type": "model",
        "id": name,
        "display_name": shown,
        "created_at": created,
        "max_input_tokens": window,
        "max_tokens": longest,
        "capabilities": _capabilities(current="-4-5" not in name),
        "lifecycle": "active",
    }


def _capabilities(*, current: bool) -> Json:
    """What a model can do. The models before 4.6 think on a budget and know no effort."""
    yes, no = {"supported": True}, {"supported": False}
    ours, theirs = (yes, no) if current else (no, yes)
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "context_management": {
            "supported": True,
            "clear_tool_uses_20250919": yes,
            "clear_thinking_20251015": yes,
            "compact_20260112": ours,
        },
        "effort": {**ours, "low": ours, "medium": ours, "high": ours, "xhigh": ours, "max": ours},
        "image_input": yes,
        "pdf_input": yes,
        "structured_outputs": yes,
        "thinking": {"supported": True, "types": {"enabled": theirs, "adaptive": ours}},
    }


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
