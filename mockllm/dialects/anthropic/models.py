"""The models: differences between their families, and GET /v1/models and /v1/models/{model}.

The list has a few well-known models, and the models that the rules name.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import ClassVar, Final

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.text_cache import text_cache
from mockllm.dialects.anthropic.errors import error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, request_id
from mockllm.dialects.anthropic.messages_request import AnthropicRequest
from mockllm.dialects.dialect import ResponseIdentity


class AnthropicFamily(Struct, frozen=True):
    """The details of one family. `geo`: the value of `usage.inference_geo`; None where usage has none.
    `thinking_tokens`: whether usage counts them separately. `details`: whether responses have stop details, and calls
    their caller."""

    geo: str | None
    thinking_tokens: bool
    details: bool = True


_FAMILIES: Final = (
    ("claude-*-4-[678]*", AnthropicFamily("global", thinking_tokens=False)),
    ("claude-*-4-[01]*", AnthropicFamily(None, thinking_tokens=False, details=False)),
    ("claude-*-4-2025*", AnthropicFamily(None, thinking_tokens=False, details=False)),
    ("claude-*-4*", AnthropicFamily("not_available", thinking_tokens=False)),
    ("claude-3-opus*", AnthropicFamily(None, thinking_tokens=False, details=False)),
    ("claude-3-5-sonnet*", AnthropicFamily(None, thinking_tokens=False, details=False)),
    ("claude-[23]*", AnthropicFamily("not_available", thinking_tokens=False, details=False)),
    ("*", AnthropicFamily("global", thinking_tokens=True)),
)
"""A row exists where recordings of the same weeks differ by model, or where the last recordings of a model are older
than a member. So claude-opus-4-1 and the models before it ended before April 2026, when stop details and callers
came. Claude Opus 3 and Sonnet 3.5 ended in January 2026 and October 2025 (Anthropic's page of deprecations), before
`inference_geo` came in February 2026. Other differences over time follow the newest form for all models."""


@text_cache(256)  # clients repeat a few models
def family_of(model: str) -> AnthropicFamily:
    """Return the first row that matches; an unknown model gets the newest form."""
    return next(family for glob, family in _FAMILIES if fnmatchcase(model, glob))


_KNOWN: Final[dict[str, tuple[str, str, int, int]]] = {
    "claude-opus-5": ("Claude Opus 5", "2026-07-24T00:00:00Z", 1_000_000, 128_000),
    "claude-sonnet-5": ("Claude Sonnet 5", "2026-06-29T00:00:00Z", 1_000_000, 128_000),
    "claude-opus-4-8": ("Claude Opus 4.8", "2026-05-28T00:00:00Z", 1_000_000, 128_000),
    "claude-sonnet-4-6": ("Claude Sonnet 4.6", "2026-02-17T00:00:00Z", 1_000_000, 128_000),
    "claude-haiku-4-5-20251001": ("Claude Haiku 4.5", "2025-10-15T00:00:00Z", 200_000, 64_000),
    "claude-sonnet-4-5-20250929": ("Claude Sonnet 4.5", "2025-09-29T00:00:00Z", 1_000_000, 64_000),
}
"""Display name, release, context window, and maximum output tokens; newest first, as in the live list."""
WELL_KNOWN: Final = tuple(_KNOWN)
_PAGE_SIZE, _MAX_PAGE_SIZE = 20, 1000
SNAPSHOTS: Final = {
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-3-7-sonnet-latest": "claude-3-7-sonnet-20250219",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-3-5-sonnet-latest": "claude-3-5-sonnet-20241022",
    "claude-3-opus-latest": "claude-3-opus-20240229",
}
"""The dated model that serves each alias. From recordings (Sonnet 4 and 4.5) and the provider's page of models; the
models since 4.6 have no dated names."""


def snapshot(model: str) -> str:
    """Return the model name of the response to a request for `model`."""
    return SNAPSHOTS.get(model, model)


class AnthropicModelsRequest(AnthropicRequest):
    api: ClassVar[str | None] = "models"

    @cached_property
    def model(self) -> str | None:
        """The model that the path names; None for the list."""
        return self.path_variables.get("model")


class AnthropicModels:
    """The dialect of the list, and of one model of the list."""

    name: str = "anthropic"
    api: str = "models"
    generates: bool = False
    request_class: type[Request] = AnthropicModelsRequest

    def check(self, request: Request) -> Failure | None:
        """Check the page's size; the rest of the query is two ids."""
        limit = request.query.get("limit")
        if limit is None:
            return None
        size = _number(limit)
        if size is None:
            constraint = "Input should be a valid integer, unable to parse string as an integer"
        elif size < 1:
            constraint = "Input should be greater than or equal to 1"
        elif size > _MAX_PAGE_SIZE:
            constraint = f"Input should be less than or equal to {_MAX_PAGE_SIZE}"
        else:
            return None
        return Failure("bad_request", message=f"limit: {constraint}")

    def check_readable(self, request: Request) -> Failure | None:
        return None

    error = staticmethod(error_plan)

    def own_response(
        self, request: Request, models: Sequence[str], identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return one model, of any id because any model is served; or the list, with the rules' models first.
        For an alias it is the dated model."""
        body = _page(request, models) if request.model is None else _model(snapshot(request.model))
        head = ResponseHead(200, (JSON_TYPE, ("request-id", request_id(identity))))
        return Plan(head, (EventStep(dumps(body), 0, "body"),))


def _page(request: Request, models: Sequence[str]) -> Json:
    """Return at most `limit` models after `after_id`, or the last ones before `before_id`."""
    names = list(dict.fromkeys((*models, *_KNOWN)))
    after, before = request.query.get("after_id"), request.query.get("before_id")
    size = max(_number(request.query.get("limit", "")) or _PAGE_SIZE, 1)
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
    """Return the description of a model; an unknown one has the newest model's values under its own name."""
    title, created, window, max_output = _KNOWN.get(name, (name, "2026-07-24T00:00:00Z", 1_000_000, 128_000))
    return {
        "type": "model",
        "id": name,
        "display_name": title,
        "created_at": created,
        "max_input_tokens": window,
        "max_tokens": max_output,
        "capabilities": _capabilities(current="-4-5" not in name),
        "lifecycle": "active",
    }


def _capabilities(*, current: bool) -> Json:
    """Return the capabilities of a model. Models before 4.6 have a thinking budget and no effort."""
    yes, no = {"supported": True}, {"supported": False}
    current_only, older_only = (yes, no) if current else (no, yes)
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "context_management": {
            "supported": True,
            "clear_tool_uses_20250919": yes,
            "clear_thinking_20251015": yes,
            "compact_20260112": current_only,
        },
        "effort": {**current_only, **dict.fromkeys(("low", "medium", "high", "xhigh", "max"), current_only)},
        "image_input": yes,
        "pdf_input": yes,
        "structured_outputs": yes,
        "thinking": {"supported": True, "types": {"enabled": older_only, "adaptive": current_only}},
    }


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
