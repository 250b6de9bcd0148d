"""Vendors that use OpenAI's protocol: the provider that is made of the `Vendor` in its folder."""

from __future__ import annotations

from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.responses import (
    VendorCompletions,
    VendorEmbeddings,
    VendorModels,
    VendorResponses,
)
from mockllm.dialects.vendors.vendor import Vendor


def vendor_routes(vendor: Vendor, before: str = "", *, title: str) -> tuple[ProviderRoute, ...]:
    """Return the routes of a vendor's calls after each of its bases; `before` is put before the calls' ids."""
    models = ProviderCall(f"{before}models", VendorModels(vendor))
    calls = [
        (
            "POST",
            "/chat/completions",
            ProviderCall(f"{before}chat", VendorChat(vendor), operation="chat", title=title),
        )
    ]
    if vendor.edit_response is not None:
        responses = ProviderCall(f"{before}responses", VendorResponses(vendor), operation="chat")
        calls.append(("POST", "/responses", responses))
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `chat`
    completions = ProviderCall(
        f"{before}completions",
        VendorCompletions(vendor),
        operation="text_completion",
        from_neutral_request=False,
    )
    embeddings = ProviderCall(f"{before}embeddings", VendorEmbeddings(vendor), operation="embeddings")
    calls += [
        ("POST", "/completions", completions),
        ("POST", "/embeddings", embeddings),
        ("GET", "/models", models),
        ("GET", "/models/{model}", models),
    ]
    return tuple(
        ProviderRoute(method, base + path, call) for base in vendor.bases for method, path, call in calls
    )


def provider_of(vendor: Vendor) -> Provider:
    """Return the provider that a `Vendor` describes."""
    title = vendor.title or vendor.name.capitalize()
    return Provider(
        name=vendor.name,
        title=title,
        routes=vendor_routes(vendor, title=title),
        needs_prefix=True,
        base=vendor.bases[0],
        compatible_base=vendor.path(""),
        known_models=frozenset(filter(None, (vendor.model,))),
        telemetry_name=vendor.telemetry_name,
        limit_headers=vendor.limit_headers,
        prices=vendor.prices,
        hosts=vendor.hosts,
        prompt_cache_policy=vendor.cache,
    )
