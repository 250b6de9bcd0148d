"""vLLM: its OpenAI-compatible base, which its `Vendor` describes, and further calls of its server."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import provider_of
from mockllm.dialects.vllm.generation import VllmChat, VllmCompletions
from mockllm.dialects.vllm.metrics import FORM
from mockllm.dialects.vllm.models import LoadLora, UnloadLora, VllmModels
from mockllm.dialects.vllm.server_calls import VERSION, VllmServerCall
from mockllm.dialects.vllm.tokens import Detokenize, Tokenize
from mockllm.dialects.vllm.vendor import VENDOR

_compatible = provider_of(VENDOR)
_OWN: Final = {"chat": VllmChat(VENDOR), "completions": VllmCompletions(VENDOR), "models": VllmModels(VENDOR)}
"""The calls of the vendor that have parameters or members of vLLM, by id."""
_own_calls: Final = {
    call.id: replace(call, dialect=_OWN[call.id]) if call.id in _OWN else call for call in _compatible.calls
}
_health = ProviderCall("health", VllmServerCall())
_ROUTES: Final = (
    ProviderRoute("POST", "/tokenize", ProviderCall("tokenize", Tokenize(VENDOR))),
    ProviderRoute("POST", "/detokenize", ProviderCall("detokenize", Detokenize(VENDOR))),
    ProviderRoute("POST", "/v1/load_lora_adapter", ProviderCall("load_lora_adapter", LoadLora(VENDOR))),
    ProviderRoute("POST", "/v1/unload_lora_adapter", ProviderCall("unload_lora_adapter", UnloadLora(VENDOR))),
    ProviderRoute("GET", "/version", ProviderCall("version", VllmServerCall({"version": VERSION}))),
    ProviderRoute("GET", "/load", ProviderCall("load", VllmServerCall({"server_load": 0}))),
    ProviderRoute("GET", "/health", _health),
    ProviderRoute("GET", "/health/ready", _health),
    ProviderRoute("GET", "/ping", _health),
    ProviderRoute("POST", "/ping", _health),
)

PROVIDER: Final[Provider] = replace(
    _compatible,
    serving_metrics_form=FORM,
    routes=(*(route._replace(call=_own_calls[route.call.id]) for route in _compatible.routes), *_ROUTES),
)
PROVIDERS: Final = (PROVIDER,)
