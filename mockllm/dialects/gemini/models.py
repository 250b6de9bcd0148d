"""The models: differences between their families, and GET …/models and …/models/{model}.

The list has the models that the rules name, and Google's well-known models.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.text_cache import text_cache
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall
from mockllm.dialects.gemini.errors import error_plan
from mockllm.dialects.gemini.generate_request import GeminiRequest
from mockllm.dialects.gemini.stored_call import page
from mockllm.dialects.gemini.wire_format import JSON, indented


class GeminiFamily(Struct, frozen=True):
    """The details of one family's responses."""

    signs: Literal["nothing", "calls", "all"] = "all"
    """The parts with a thought signature. `calls`: where there was thinking, the first call, and the last text of a
    request with functions. `all`: the first call always, and the last text where there was thinking."""
    ids: bool = True
    """Whether calls have ids."""
    ends_alone: bool = True
    """Whether a stream's finish reason is in a separate chunk after the content."""
    index: bool = True
    """Whether the first candidate contains its index."""
    logprobs: bool = False
    """Whether a non-streaming response contains the average of its log probabilities."""
    details: bool = False
    """Whether usage contains the modality of the output."""
    counts: Literal["nothing", "prompt", "all"] = "all"
    """The usage of a stream's chunks before the last one."""
    counts_early_thoughts: bool = False
    """Whether the chunks of thoughts count them (recordings of January and August 2026)."""
    remarks: bool = True
    """Whether a chunk that ends with a call has a finish message."""
    tier: bool = True
    """Whether the usage of the Gemini API names the service tier."""


_OLDEST: Final = GeminiFamily(
    "nothing",
    ids=False,
    ends_alone=False,
    index=False,
    logprobs=True,
    details=True,
    counts="prompt",
    remarks=False,
)
_GEMINI: Final = (
    ("gemini-[12].0*", _OLDEST),
    ("gemini-[12].*", GeminiFamily("calls", ids=False, ends_alone=False, counts_early_thoughts=True)),
    ("gemma*", GeminiFamily("nothing", ids=False, ends_alone=False)),
    ("gemini-3-pro-preview*", GeminiFamily(tier=False)),
    ("*", GeminiFamily()),
)
"""The data is from recordings of 2025 and 2026. Where the services changed over time, all families follow the newest
form, but for a model that ended before. gemini-3-pro-preview ended on 2026-03-09 (Google's page of deprecations), and
its recordings have no service tier, which came later."""
_VERTEX: Final = (
    ("gemini-[12].*", replace(_OLDEST, signs="calls", counts="nothing")),
    ("*", GeminiFamily(index=False, details=True, counts="nothing", remarks=False)),
)


@text_cache(512)  # clients repeat a few models
def family(model: str, *, vertex: bool) -> GeminiFamily:
    """Return the first row that matches; an unknown model gets the newest form."""
    return next(row for glob, row in (_VERTEX if vertex else _GEMINI) if fnmatchcase(model, glob))


_KNOWN: Final = {
    "gemini-4-argon": ("Gemini 4 Argon", "4-argon", 65_536),
    "gemini-3.8-flash": ("Gemini 3.8 Flash", "3.8-flash", 65_536),
    "gemini-3.6-flash": ("Gemini 3.6 Flash", "3.6-flash", 65_536),
    "gemini-3.5-flash-lite": ("Gemini 3.5 Flash-Lite", "3.5-flash-lite", 65_536),
    "gemini-3.5-flash": ("Gemini 3.5 Flash", "3.5-flash", 65_536),
    "gemini-3.1-pro-preview": ("Gemini 3.1 Pro Preview", "3.1-pro-preview", 65_536),
    "gemini-3-flash-preview": ("Gemini 3 Flash Preview", "3-flash-preview", 65_536),
    "gemini-2.5-pro": ("Gemini 2.5 Pro", "2.5", 65_536),
    "gemini-2.5-flash": ("Gemini 2.5 Flash", "001", 65_536),
    "gemini-2.5-flash-lite": ("Gemini 2.5 Flash-Lite", "001", 65_536),
    "gemini-2.0-flash": ("Gemini 2.0 Flash", "2.0", 8_192),
}
"""Display name, version, and maximum output tokens of each model."""
WELL_KNOWN: Final = tuple(_KNOWN)
_METHODS: Final = ("generateContent", "countTokens", "createCachedContent", "batchGenerateContent")


class GeminiModelsRequest(GeminiRequest):
    api = "models"


class GeminiModels(UncheckedCall):
    """The dialect of the list, and of one model of the list."""

    name: str = "gemini"
    api: str = "models"
    request_class: type[Request] = GeminiModelsRequest

    error = staticmethod(error_plan)

    def own_response_from_models(
        self, rule_models: Sequence[str], request: Request, identity: ResponseIdentity
    ) -> Plan | Failure:
        """Return one model, of any name because any model is served; or the list, with the rules' models first."""
        assert isinstance(request, GeminiModelsRequest)
        describe = _publisher_model if request.vertex else _model
        body = _page(rule_models, request) if request.model is None else describe(request.model)
        return Plan(ResponseHead(200, JSON), (EventStep(indented(body) + b"\n", 0, "body"),))


def _page(rule_models: Sequence[str], request: GeminiModelsRequest) -> Json:
    """Return a page of the list."""
    names = list(dict.fromkeys((*rule_models, *_KNOWN)))
    key, describe = ("publisherModels", _publisher_model) if request.vertex else ("models", _model)
    return page(key, names, request, describe)


def _model(name: str) -> Json:
    """Return the description of a model; an unknown one has the newest model's values under its own name."""
    title, version, max_output = _KNOWN.get(name, (name, "001", 65_536))
    return {
        "name": f"models/{name}",
        "version": version,
        "displayName": title,
        "description": title,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": max_output,
        "supportedGenerationMethods": list(_METHODS),
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def _publisher_model(name: str) -> Json:
    full = f"publishers/google/models/{name}"
    return {
        "name": full,
        "versionId": "default",
        "openSourceCategory": "PROPRIETARY",
        "launchStage": "GA",
        "publisherModelTemplate": f"projects/{{user-project}}/locations/{{location}}/{full}",
    }
