"""Hints on unknown paths: a wrong base URL of the client, or a misspelt path."""

from __future__ import annotations

import pytest

from mockllm.dialects.path_hints import MAX_WITH_CALL, lacks_prefix
from mockllm.dialects.router import NoRoute, find_route

DEPLOYMENT = "/openai/deployments/d/chat/completions"


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("POST", "/v1/chat/completions/", "POST /v1/chat/completions"),
        ("POST", "/v1/chat/completion", "POST /v1/chat/completions"),
        ("POST", "/V1/Messages", "POST /v1/messages"),
        ("POST", "/v1/chat%2Fcompletions", "POST /v1/chat/completions"),
        ("POST", "/v1/./embeddings", "POST /v1/embeddings"),
        ("POST", "/groq/openai/v1/chat/completions/", "POST /groq/openai/v1/chat/completions"),
        ("GET", "/v1/message", "POST /v1/messages"),
        ("POST", "/v1/models/", "GET /v1/models"),
        ("POST", "/v2/chat", "POST /cohere/v2/chat"),
        ("GET", "/v1/chat/complettions", "GET /v1/chat/completions"),
        ("POST", "/v1/chat/copmletions", "POST /v1/chat/completions"),
        ("POST", "/v1/messagez", "POST /v1/messages"),
        ("POST", "/v1/ocr", "POST /mistral/v1/ocr"),
        ("POST", "/v2/rerank", "POST /cohere/v2/rerank"),
        ("POST", "/mock/v1/chat/completions", "POST /v1/chat/completions"),
        ("POST", "/v2/chat/completions", "POST /v1/chat/completions"),
        ("POST", "/openai/v2/chat/completions", "POST /openai/v1/chat/completions"),
        ("POST", "/groq/v1/chat/completions", "POST /groq/openai/v1/chat/completions"),
        ("POST", "/v1/vector_stores/vs_X/files/", "POST /v1/vector_stores/vs_X/files"),
        ("PUT", "/v1/vector_stores/vs_X/files/", "POST /v1/vector_stores/vs_X/files"),
    ],
)
def test_similar_path_has_suggestion(method: str, path: str, meant: str) -> None:
    found = find_route(method, path, {})
    assert isinstance(found, NoRoute)
    assert found.failure.message is not None
    assert found.failure.message.startswith(f"Invalid URL ({method} {path}). Did you mean {meant}? ")


@pytest.mark.parametrize("path", ["", "*", "x", "/", "/a"])
def test_path_without_a_segment_is_unknown(path: str) -> None:
    found = find_route("POST", path, {})
    assert isinstance(found, NoRoute)
    assert found.hint == ""


@pytest.mark.parametrize(
    ("method", "path", "headers", "base"),
    [
        ("POST", "/v1/v1/chat/completions", {"host": "mock:9"}, "http://mock:9/v1"),
        ("POST", "/openai/v1/v1/chat/completions", {}, "http://localhost:8080/openai/v1"),
        ("POST", "/v1/v1/v1/messages", {"host": "mock:9"}, "http://mock:9"),
        ("GET", "/anthropic/v1/v1/models/x", {"host": "mock:9"}, "http://mock:9/anthropic"),
    ],
)
def test_doubled_v1_has_right_base_url(method: str, path: str, headers: dict[str, str], base: str) -> None:
    found = find_route(method, path, headers)
    assert isinstance(found, NoRoute)
    assert found.failure.message == (
        f"Invalid URL ({method} {path}). The path contains /v1 twice. Set the client's base URL to {base}"
    )


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/v1beta/v1/models/m:generateContent", "http://mock:9"),  # google-genai puts its version behind it
        ("/v1beta/v1beta/models/m:generateContent", "http://mock:9"),
        ("/gemini/v1beta/v1/models/m:streamGenerateContent", "http://mock:9/gemini"),
        ("/v1beta/models/v1beta/models/m:generateContent", "http://mock:9"),
        ("/v1/models/v1beta/models/m:countTokens", "http://mock:9"),
    ],
)
def test_doubled_version_has_right_base_url(path: str, base: str) -> None:
    found = find_route("POST", path, {"host": "mock:9", "x-goog-api-key": "k"})
    assert isinstance(found, NoRoute)
    assert found.dialect.name == "gemini"
    assert (found.failure.message or "").endswith(f"a version twice. Set the client's base URL to {base}")


def test_list_behind_base_url_with_models_has_right_base_url() -> None:
    found = find_route("GET", "/v1beta/models/v1beta/models", {"x-goog-api-key": "k"})
    assert isinstance(found, NoRoute)
    assert found.failure.message is not None
    assert "a version twice. Set the client's base URL to http://localhost:8080" in found.failure.message


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/v1/s/t1/chat/completions", "/s/t1/v1"),
        ("/v1/s/t1/v1/messages", "/s/t1"),
        ("/groq/openai/v1/s/t1/chat/completions", "/s/t1/groq/openai/v1"),
    ],
)
def test_late_session_has_right_base_url(path: str, base: str) -> None:
    found = find_route("POST", path, {"host": "mock:9"})
    assert isinstance(found, NoRoute)
    assert (
        found.hint == f"/s/t1 is the first part of a path. Set the client's base URL to http://mock:9{base}"
    )


def test_late_session_of_an_unknown_path_has_no_hint() -> None:
    found = find_route("POST", "/v1/s/t1/nothing-like-it", {})
    assert isinstance(found, NoRoute)
    assert found.hint == ""


OPENAI = "http://localhost:8080/v1"
ENDS_WITH_CALL = "The base URL ends with the path of a call"


@pytest.mark.parametrize(
    ("path", "mistake", "base"),
    [
        ("/v1/chat/completions/chat/completions", ENDS_WITH_CALL, OPENAI),
        ("/v1/embeddings/chat/completions", ENDS_WITH_CALL, OPENAI),
        ("/groq/openai/v1/chat/completions/models", ENDS_WITH_CALL, "http://localhost:8080/groq/openai/v1"),
        ("/v1/messages/v1/messages", ENDS_WITH_CALL, "http://localhost:8080"),
        (f"{DEPLOYMENT}{DEPLOYMENT}", ENDS_WITH_CALL, "http://localhost:8080"),
        (f"/openai{DEPLOYMENT}", "The path contains /openai twice", "http://localhost:8080"),
        (f"/azure/openai{DEPLOYMENT}", "The path contains /openai twice", "http://localhost:8080/azure"),
        (f"/v1{DEPLOYMENT}", "No path of a call begins with /v1/openai", "http://localhost:8080"),
        (
            "/api/v1/chat/completions",
            "No path of a call begins with /api/v1",
            f"{OPENAI} or http://localhost:8080/openrouter/api/v1",
        ),
        (
            "/api/paas/v4/chat/completions",
            "No path of a call begins with /api/paas",
            "http://localhost:8080/zai/api/paas/v4",
        ),
    ],
)
def test_wrong_base_url_has_right_one(path: str, mistake: str, base: str) -> None:
    found = find_route("POST", path, {})
    assert isinstance(found, NoRoute)
    assert found.failure.message == (
        f"Invalid URL (POST {path}). {mistake}. Set the client's base URL to {base}"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/v1/nowhere",
        "/nowhere/nowhere",
        "/nowhere/nowhere/else",
        "/v1/messages/nowhere",
        "/api/v1/nowhere",
        "/api",
        "/v1/chat/completions" + "/x" * MAX_WITH_CALL,
    ],
)
def test_path_of_no_call_has_routes_in_place_of_a_hint(path: str) -> None:
    found = find_route("GET", path, {})
    assert isinstance(found, NoRoute)
    assert (found.hint, "Routes:" in (found.failure.message or "")) == ("", True)


@pytest.mark.parametrize(
    ("path", "lacks"),
    [
        ("/api/v1/nowhere", True),
        ("/api/paas/v4/x", True),
        ("/api/v1", False),
        ("/v1/ocr", False),
        ("/api/rules", False),
    ],
)
def test_path_below_base_of_prefixed_provider_lacks_the_prefix(path: str, lacks: bool) -> None:
    assert lacks_prefix(path) == lacks
