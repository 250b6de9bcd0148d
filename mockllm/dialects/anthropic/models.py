"""The models: differences between their families, and GET /v1/models and /v1/models/{model}.

The list has a few well-known models, and the models that the rules name.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.text_cache import text_cache
from mockllm.dialects.anthropic.errors import error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, head_without_limits
from mockllm.dialects.anthropic.known_models import KNOWN, known_model, snapshot
from mockllm.dialects.anthropic.messages_request import AnthropicRequest
from mockllm.dialects.anthropic.stored_objects import DEFAULT_PAGE_SIZE, check_page_size, page_size
from mockllm.dialects.dialect import ResponseIdentity


class AnthropicFamily(Struct, frozen=True):
    """The details of one family. `inference_geo`: the value of `usage.inference_geo`; None where usage has none.
    `counts_thinking_tokens`: whether usage counts them separately for every request, not only for one that requests
    thinking (May to August 2026). `details`: whether responses have stop details, and calls their caller."""

    inference_geo: str | None
    counts_thinking_tokens: bool
    details: bool = True


_FAMILIES: Final = (
    ("claude-*-4-[67]*", AnthropicFamily("global", counts_thinking_tokens=False)),
    ("claude-*-4-8*", AnthropicFamily("global", counts_thinking_tokens=True)),
    ("claude-*-4-[01]*", AnthropicFamily(None, counts_thinking_tokens=False, details=False)),
    ("claude-*-4-2025*", AnthropicFamily(None, counts_thinking_tokens=False, details=False)),
    ("claude-*-4*", AnthropicFamily("not_available", counts_thinking_tokens=False)),
    ("claude-3-opus*", AnthropicFamily(None, counts_thinking_tokens=False, details=False)),
    ("claude-3-5-sonnet*", AnthropicFamily(None, counts_thinking_tokens=False, details=False)),
    ("claude-[23]*", AnthropicFamily("not_available", counts_thinking_tokens=False, details=False)),
    ("*", AnthropicFamily("global", counts_thinking_tokens=True)),
)
"""A row exists where recordings of the same weeks differ by model, or where the last recordings of a model are older
than a member. So claude-opus-4-1 and the models before it ended before April 2026, when stop details and callers
came. Claude Opus 3 and Sonnet 3.5 ended in January 2026 and October 2025 (Anthropic's page of deprecations), before
`inference_geo` came in February 2026. Other differences over time follow the newest form for all models."""


@text_cache(256)  # clients repeat a few models
def family_of(model: str) -> AnthropicFamily:
    """Return the first row that matches; an unknown model gets the newest form."""
    return next(family for glob, family in _FAMILIES if fnmatchcase(model, glob))


_NEWEST: Final = next(iter(KNOWN.values()))


class AnthropicModelsRequest(AnthropicRequest):
    api: ClassVar[str | None] = "models"


class AnthropicModels:
    """The dialect of the list, and of one model of the list."""

    name: str = "anthropic"
    api: str = "models"
    generates: bool = False
    request_class: type[Request] = AnthropicModelsRequest

    def check(self, request: Request) -> Failure | None:
        """Check the page's size; the rest of the query is two ids."""
        return check_page_size(request.query)

    def check_readable(self, request: Request) -> Failure | None:
        return None

    error = staticmethod(error_plan)

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return one model, of any id because any model is served; or the list, with the rules' models first.
        For an alias it is the dated model."""
        body = _page(rule_models, request) if request.model is None else _model(snapshot(request.model))
        return Plan(head_without_limits((JSON_TYPE,), identity), (EventStep(dumps(body), 0, "body"),))


def _page(rule_models: Sequence[str], request: Request) -> Json:
    """Return at most `limit` models after `after_id`, or the last ones before `before_id`."""
    names = list(dict.fromkeys((*rule_models, *KNOWN)))
    after, before = request.query.get("after_id"), request.query.get("before_id")
    size = max(page_size(request.query.get("limit", "")) or DEFAULT_PAGE_SIZE, 1)
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
    model = known_model(snapshot(name)) or replace(_NEWEST, title=name)
    return {
        "type": "model",
        "id": name,
        "display_name": model.title,
        "created_at": model.created,
        "max_input_tokens": model.window,
        "max_tokens": model.max_tokens,
        "capabilities": model.capabilities,
        "lifecycle": "active",
    }
