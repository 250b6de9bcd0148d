"""The route of a request, and the refusal where there is none."""

from __future__ import annotations

import json

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep
from mockllm.dialects import router
from mockllm.dialects.anthropic import provider as anthropic
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.gemini import dialects as gemini
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.listing import paths_by_provider
from mockllm.dialects.openai import provider as openai
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS, REPLY_APIS, begins_with_prefix
from mockllm.dialects.providers import DIALECTS, REGISTERED
from mockllm.dialects.route_table import ROUTES
from mockllm.dialects.router import MethodNotAllowed, NoRoute, RouteMatch, find_route
from mockllm.dialects.vendors.vendor import Vendor
from tests.compatible import VENDORS
from tests.dialects.anthropic.messages_requests import IDENTITY

CLAUDE = {"anthropic-version": "2023-06-01"}
FOUND: list[tuple[str, str, dict[str, str], Dialect, str, dict[str, str]]] = [
    ("POST", "/v1/chat/completions", {}, CHAT, "/v1/chat/completions", {}),
    ("POST", "/chat/completions", {}, CHAT, "/chat/completions", {}),
    ("POST", "/openai/v1/chat/completions", {}, CHAT, "/v1/chat/completions", {}),
    ("POST", "/openai/chat/completions", {}, CHAT, "/chat/completions", {}),
    ("POST", "//v1///chat/completions", {}, CHAT, "/v1/chat/completions", {}),
    ("POST", "/v1/responses", {}, RESPONSES, "/v1/responses", {}),
    ("POST", "/responses/input_tokens", {}, openai.INPUT_TOKENS, "/responses/input_tokens", {}),
    ("POST", "/v1/responses/compact", {}, openai.COMPACT, "/v1/responses/compact", {}),
    ("GET", "/v1/responses/r", {}, openai.GET_RESPONSE, "/v1/responses/r", {"response": "r"}),
    ("DELETE", "/v1/responses/r", {}, openai.DELETE_RESPONSE, "/v1/responses/r", {"response": "r"}),
    ("POST", "/responses/r/cancel", {}, openai.CANCEL_RESPONSE, "/responses/r/cancel", {"response": "r"}),
    (
        "GET",
        "/v1/responses/r/input_items",
        {},
        openai.INPUT_ITEMS,
        "/v1/responses/r/input_items",
        {"response": "r"},
    ),
    ("POST", "/v1/messages", {}, MESSAGES, "/v1/messages", {}),
    ("POST", "/anthropic/v1/messages", {}, MESSAGES, "/v1/messages", {}),
    ("POST", "/messages", {}, MESSAGES, "/messages", {}),
    ("POST", "/anthropic/messages/count_tokens", {}, anthropic.COUNT, "/messages/count_tokens", {}),
    ("GET", "/v1/models", {}, openai.MODELS, "/v1/models", {}),
    ("HEAD", "/v1/models", {}, openai.MODELS, "/v1/models", {}),
    ("HEAD", "/v1/models/m", CLAUDE, anthropic.MODELS, "/v1/models/m", {"model": "m"}),
    ("GET", "/models", {}, openai.MODELS, "/models", {}),
    ("GET", "/models", CLAUDE, anthropic.MODELS, "/models", {}),
    ("GET", "/v1/models", CLAUDE, anthropic.MODELS, "/v1/models", {}),
    ("GET", "/v1/models", {"x-api-key": "k"}, anthropic.MODELS, "/v1/models", {}),
    ("GET", "/openai/v1/models", CLAUDE, openai.MODELS, "/v1/models", {}),
    ("GET", "/anthropic/v1/models", {}, anthropic.MODELS, "/v1/models", {}),
    ("GET", "/v1/models/gpt-4o", {}, openai.MODELS, "/v1/models/gpt-4o", {"model": "gpt-4o"}),
    (
        "GET",
        "/v1/models/org/ft%3Aa%20b",
        {},
        openai.MODELS,
        "/v1/models/org/ft:a%20b",
        {"model": "org/ft:a b"},
    ),
    ("GET", "/v1/models/claude", CLAUDE, anthropic.MODELS, "/v1/models/claude", {"model": "claude"}),
]


@pytest.mark.parametrize(("method", "path", "headers", "dialect", "bare", "variables"), FOUND)
def test_find_returns_call_of_path(
    method: str, path: str, headers: dict[str, str], dialect: Dialect, bare: str, variables: dict[str, str]
) -> None:
    found = find_route(method, path, headers)
    assert isinstance(found, RouteMatch)
    assert found.dialect is dialect
    assert (found.provider, found.path, dict(found.path_variables)) == (dialect.name, bare, variables)


@pytest.mark.parametrize(
    ("method", "path", "headers", "dialect", "bare", "allow"),
    [
        ("PUT", "/v1/chat/completions", {}, openai.LIST_CHAT, "/v1/chat/completions", "GET, POST"),
        ("GET", "/anthropic/v1/messages", {}, MESSAGES, "/v1/messages", "POST"),
        ("POST", "/v1/models", CLAUDE, anthropic.MODELS, "/v1/models", "GET"),
        ("PATCH", "/v1//models/x", {}, openai.MODELS, "/v1/models/x", "DELETE, GET"),
        (
            "GET",
            "/v1beta/models/g:generateContent",
            {},
            GENERATE,
            "/v1beta/models/g:generateContent",
            "POST",
        ),
        (
            "HEAD",
            "/v1/models/g:countTokens",
            {},
            gemini.COUNT,
            "/v1/models/g:countTokens",
            "POST",
        ),
    ],
)
def test_known_path_with_other_method_is_405_with_allow(
    method: str, path: str, headers: dict[str, str], dialect: Dialect, bare: str, allow: str
) -> None:
    found = find_route(method, path, headers)
    assert isinstance(found, MethodNotAllowed)
    assert found.dialect is dialect
    assert (found.provider, found.path) == (dialect.name, bare)
    assert found.failure.status == 405
    assert found.failure.headers == (("allow", allow),)
    assert found.failure.message is not None
    assert found.failure.message.endswith(f": use {allow}.")


@pytest.mark.parametrize(
    ("path", "headers", "provider", "envelope", "bare"),
    [
        ("/nowhere/at/all", {}, None, "openai", "/nowhere/at/all"),
        ("/nowhere/at/all", CLAUDE, None, "anthropic", "/nowhere/at/all"),
        ("/anthropic/nowhere", {}, "anthropic", "anthropic", "/nowhere"),
        ("/openai", CLAUDE, "openai", "openai", ""),
        ("/", {}, None, "openai", "/"),
    ],
)
def test_unknown_path_is_404_with_routes_of_meant_provider_first(
    path: str, headers: dict[str, str], provider: str | None, envelope: str, bare: str
) -> None:
    found = find_route("POST", path, headers)
    assert isinstance(found, NoRoute)
    assert (found.provider, found.dialect.name, found.path) == (provider, envelope, bare)
    assert found.failure.type == "not_found"
    first = dict.fromkeys((envelope, *(() if provider else ("openai", "anthropic"))))
    listed = [route for name in first for route in ROUTES if route.provider == name]
    generating = dict.fromkeys(route.line for route in listed if route.dialect.generates)
    others = len({route.line for route in listed}) - len(generating)
    assert found.failure.message == (
        f"Invalid URL (POST {path}). Routes: {', '.join(generating)}, and {others} more. "
        "GET / lists those of every provider. Any other path is answered by a rule that names it: match: {path: …}"
    )


def test_unknown_vendor_path_lists_routes_of_vendor_only() -> None:
    found = find_route("POST", "/groq/openai/v1/files", {})
    assert isinstance(found, NoRoute)
    listed = (found.failure.message or "").partition("Routes: ")[2].partition(". GET / ")[0]
    assert listed.startswith("POST /groq/openai/v1/chat/completions, ")
    others = len({route.line for route in ROUTES if route.provider == "groq"}) - listed.count("POST /")
    assert listed.endswith(f", and {others} more")
    assert listed.count("POST /groq/") == listed.count("POST /")


def test_path_of_one_api_lists_routes_of_its_provider_only() -> None:
    found = find_route("POST", "/v1beta/nowhere", {}, "")
    assert isinstance(found, NoRoute)
    listed = (found.failure.message or "").partition("Routes: ")[2].partition(". GET / ")[0]
    assert "/models/{model}:(generateContent|streamGenerateContent)" in listed
    assert "/v1/messages" not in listed


def test_routes_that_are_all_listed_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a new provider with one call."""
    only = [route for route in ROUTES if route.line == "POST /cohere/v2/chat"]
    monkeypatch.setattr(router, "ROUTES", only)
    assert router._routes_of.__wrapped__("cohere", provider_is_certain=True).startswith(
        "Routes: POST /cohere/v2/chat. GET / lists"
    )


def test_every_dialect_has_a_route_and_promised_names_exist() -> None:
    of_websockets = {
        call.dialect
        for provider in REGISTERED
        for websocket in provider.websockets
        for call in (websocket.handshake, *(message for _, message in websocket.messages))
    }
    assert {route.dialect for route in ROUTES} | of_websockets == set(DIALECTS)
    assert {"openai", "anthropic", "gemini"} <= DIALECT_NAMES
    assert DIALECT_NAMES | {"vertex", "azure", *(vendor.name for vendor in VENDORS)} <= PROVIDERS
    assert {"chat", "responses", "completions", "messages", "generate"} <= REPLY_APIS
    others = {"models", "count_tokens", "embeddings", "moderations", "compact"}
    others |= {"stored_responses", "stored_completions"}
    assert REPLY_APIS | others <= APIS


AZURE: list[tuple[str, str, dict[str, str], Dialect, str, dict[str, str]]] = [
    (
        "POST",
        "/openai/deployments/d/chat/completions",
        {},
        azure.CHAT,
        "/openai/deployments/d/chat/completions",
        {"deployment": "d"},
    ),
    (
        "POST",
        "//openai/deployments/d/embeddings",
        {},
        azure.EMBEDDINGS,
        "/openai/deployments/d/embeddings",
        {"deployment": "d"},
    ),
    ("POST", "/azure/openai/v1/chat/completions", {}, azure.CHAT, "/openai/v1/chat/completions", {}),
    ("POST", "/openai/v1/responses", {"api-key": "k"}, azure.RESPONSES, "/openai/v1/responses", {}),
    ("POST", "/models/chat/completions", {}, azure.FOUNDRY_CHAT, "/models/chat/completions", {}),
]


@pytest.mark.parametrize(("method", "path", "headers", "dialect", "bare", "variables"), AZURE)
def test_find_returns_call_of_azure_path(
    method: str, path: str, headers: dict[str, str], dialect: Dialect, bare: str, variables: dict[str, str]
) -> None:
    found = find_route(method, path, headers)
    assert isinstance(found, RouteMatch)
    assert found.dialect is dialect
    assert (found.provider, found.path, found.path_variables) == ("azure", bare, variables)


@pytest.mark.parametrize(
    ("query", "provider"),
    [("api-version=2024-10-21", "azure"), ("a=b&api-version=x", "azure"), ("", "openai")],
)
def test_openai_prefix_with_api_version_is_azure(query: str, provider: str) -> None:
    found = find_route("POST", "/openai/v1/chat/completions", {}, query)
    assert isinstance(found, RouteMatch)
    assert found.provider == provider


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_vendor_is_found_behind_its_prefix_only(vendor: Vendor) -> None:
    for base in vendor.bases:
        found = find_route("POST", f"/{vendor.name}{base}/chat/completions", {})
        assert isinstance(found, RouteMatch)
        assert (found.provider, found.dialect.name, found.dialect.api) == (vendor.name, "openai", "chat")
        assert found.path == f"{base}/chat/completions"
    bare = find_route("POST", "/v1/chat/completions", {})
    assert isinstance(bare, RouteMatch)
    assert bare.provider == "openai"


def test_calls_by_provider_names_every_provider() -> None:
    calls = dict(paths_by_provider())
    named = {*calls, *(base.split("/")[1] for base in calls["vendors"])}
    assert PROVIDERS - named == set()


def test_route_line_has_needed_prefix() -> None:
    lines = [route.line for route in ROUTES]
    assert "POST /v1/chat/completions" in lines
    assert "POST /groq/openai/v1/chat/completions" in lines


@pytest.mark.parametrize("path", ["/v1/threads", "/threads/t/runs", "/openai/v1/threads/t", "/v1//threads/"])
def test_find_of_unserved_call_is_501_with_hint(path: str) -> None:
    found = find_route("GET", path, {})
    assert isinstance(found, NoRoute)
    assert found.dialect is CHAT
    assert (found.failure.status, found.failure.fields) == (501, {"code": "not_served"})
    assert found.failure.headers == (("x-should-retry", "false"),)
    assert f"A rule that names the path can respond: match: {{path: {found.path}}}" in str(
        found.failure.message
    )
    assert "mockllm does not serve" in found.hint


@pytest.mark.parametrize(
    ("path", "headers", "error"),
    [
        ("/v1/threads", {}, {"code": "not_served", "type": "server_error", "param": None}),
        ("/v1/skills", {"anthropic-version": "2023-06-01"}, {"type": "api_error"}),
        ("/v1beta/agents", {"x-goog-api-key": "k"}, {"code": 501, "status": "UNIMPLEMENTED"}),
    ],
)
def test_error_of_unserved_call_has_the_usual_members(
    path: str, headers: dict[str, str], error: dict[str, Json]
) -> None:
    found = find_route("GET", path, headers)
    assert isinstance(found, NoRoute)
    request = found.dialect.request_class(method="GET", path=path, headers=headers)
    (sent,) = found.dialect.error(found.failure, request, IDENTITY).steps
    assert isinstance(sent, EventStep)
    members: dict[str, Json] = json.loads(sent.payload)["error"]
    assert members.pop("message") == found.failure.message
    assert members == error


@pytest.mark.parametrize("path", ["/v1/libraries/l/documents", "/v1/fine_tuning/jobs", "/v2/prompts"])
def test_find_of_unserved_call_of_mistral_is_501(path: str) -> None:
    found = find_route("GET", f"/mistral{path}", {})
    assert isinstance(found, NoRoute)
    assert found.failure.status == 501


@pytest.mark.parametrize(
    "path", ["/search", "/async/chat/completions/r", "/v1/responses", "/v1/browser/sessions"]
)
def test_find_of_unserved_call_of_perplexity_is_501(path: str) -> None:
    found = find_route("POST", f"/perplexity{path}", {})
    assert isinstance(found, NoRoute)
    assert (found.provider, found.path, found.failure.status) == ("perplexity", path, 501)
    assert f"POST /perplexity{path} is a call of Perplexity that mockllm does not serve" in str(
        found.failure.message
    )


@pytest.mark.parametrize("path", ["/v1/threadsy", "/v1/x/threads"])
def test_find_of_unknown_path_is_no_501(path: str) -> None:
    found = find_route("GET", path, {})
    assert isinstance(found, NoRoute)
    assert found.failure.status is None


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/openai/v1/responses", "/v1//responses"])
def test_find_of_handshake_is_that_of_its_socket(path: str) -> None:
    found = find_route("GET", path, {"upgrade": "WebSocket"})
    assert isinstance(found, RouteMatch)
    assert (found.dialect, found.provider) == (openai.HANDSHAKE, "openai")
    message = find_route("WS response.create", path, {})
    assert isinstance(message, RouteMatch)
    assert message.dialect is openai.RESPONSES_WEBSOCKET


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("WS", {}), ("WS nope", {}), ("POST", {"upgrade": "websocket"})]
)
def test_find_of_other_request_is_no_socket(method: str, headers: dict[str, str]) -> None:
    found = find_route(method, "/v1/responses", headers)
    assert not isinstance(found, RouteMatch) or found.dialect is RESPONSES


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/realtime", "openai"),
        ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", "gemini"),
    ],
)
def test_websocket_path_without_handshake_says_so(path: str, dialect: str) -> None:
    found = find_route("GET", path, {})
    assert isinstance(found, NoRoute)
    assert (found.dialect.name, found.hint) == (
        dialect,
        "The path is a WebSocket: send the request with an upgrade.",
    )


@pytest.mark.parametrize(
    ("path", "is_prefix"),
    [
        ("/anthropic/v1/messages", True),
        ("/openai/nowhere", True),
        ("/openai/v1/responses", False),
        ("/openai/deployments/x/embeddings", False),
        ("/elsewhere/v1", False),
        ("", False),
    ],
)
def test_path_that_begins_with_prefix(path: str, is_prefix: bool) -> None:
    assert begins_with_prefix(path) is is_prefix
