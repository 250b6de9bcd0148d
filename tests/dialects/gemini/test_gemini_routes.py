"""Routes of Google's calls: by version, project and prefix, distinguished from other providers' by hints."""

from __future__ import annotations

import pytest

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.gemini import dialects as gemini
from mockllm.dialects.gemini.generate import GENERATE, VERTEX_GENERATE
from mockllm.dialects.openai import provider as openai
from mockllm.dialects.router import NoRoute, RouteMatch, find_route
from tests.language.virtual_server import ClientRequest, VirtualServer

CLAUDE = {"anthropic-version": "2023-06-01"}
GOOGLE = {"x-goog-api-key": "k"}
PROJECT = "/v1beta1/projects/p/locations/us-central1/publishers/google/models/gemini-x"
GENERATE_PATH, COUNT = f"{PROJECT}:generateContent", f"{PROJECT}:countTokens"
IN_PROJECT = {"project": "p", "location": "us-central1", "model": "gemini-x"}
GEMINI: list[tuple[str, str, dict[str, str], str, Dialect, str, str, dict[str, str]]] = [
    *(
        (
            "POST",
            f"{prefix}/{version}/models/gemini-x:{call}",
            {},
            "",
            dialect,
            "gemini",
            f"/{version}/models/gemini-x:{call}",
            {"model": "gemini-x"},
        )
        for prefix in ("", "/gemini")
        for version in ("v1beta", "v1", "v1alpha")
        for call, dialect in (
            ("generateContent", GENERATE),
            ("streamGenerateContent", GENERATE),
            ("countTokens", gemini.COUNT),
        )
    ),
    (
        "POST",
        "/v1/models/org/a%20b%3AgenerateContent",
        {},
        "",
        GENERATE,
        "gemini",
        "/v1/models/org/a%20b:generateContent",
        {"model": "org/a b"},
    ),
    ("GET", "/v1beta/models", {}, "", gemini.MODELS, "gemini", "/v1beta/models", {}),
    ("GET", "/v1/models", GOOGLE, "", gemini.MODELS, "gemini", "/v1/models", {}),
    ("GET", "/v1/models", {"x-goog-api-client": "x"}, "", gemini.MODELS, "gemini", "/v1/models", {}),
    ("GET", "/v1/models", {}, "pageSize=2&key=k", gemini.MODELS, "gemini", "/v1/models", {}),
    ("GET", "/v1/models", {}, "monkey=k", openai.MODELS, "openai", "/v1/models", {}),
    ("GET", "/v1/models/x", {}, "key=k", gemini.MODELS, "gemini", "/v1/models/x", {"model": "x"}),
    ("GET", "/gemini/v1/models/x", CLAUDE, "", gemini.MODELS, "gemini", "/v1/models/x", {"model": "x"}),
    ("POST", GENERATE_PATH, {}, "", VERTEX_GENERATE, "vertex", GENERATE_PATH, IN_PROJECT),
    ("POST", f"/vertex{COUNT}", {}, "", gemini.COUNT, "vertex", COUNT, IN_PROJECT),
    (
        "POST",
        "/v1/publishers/google/models/x:streamGenerateContent",
        {},
        "",
        VERTEX_GENERATE,
        "vertex",
        "/v1/publishers/google/models/x:streamGenerateContent",
        {"model": "x"},
    ),
    (
        "GET",
        "/v1beta1/publishers/google/models",
        {},
        "",
        gemini.MODELS,
        "vertex",
        "/v1beta1/publishers/google/models",
        {},
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "headers", "query", "dialect", "provider", "bare", "variables"), GEMINI
)
def test_google_path_finds_its_call(
    method: str,
    path: str,
    headers: dict[str, str],
    query: str,
    dialect: Dialect,
    provider: str,
    bare: str,
    variables: dict[str, str],
) -> None:
    match = find_route(method, path, headers, query)
    assert isinstance(match, RouteMatch)
    assert match.dialect is dialect
    assert (match.provider, match.path, dict(match.path_variables)) == (provider, bare, variables)


@pytest.mark.parametrize(
    ("path", "headers", "query", "provider"),
    [
        ("/v2/nowhere", GOOGLE, "", None),
        ("/v2/nowhere", {}, "key=k", None),
        ("/gemini/nowhere", {}, "", "gemini"),
        ("/vertex/nowhere", {}, "", "vertex"),
        ("/v1beta/models/x:embedNothing", GOOGLE, "", "gemini"),
    ],
)
def test_unknown_google_path_gets_its_envelope(
    path: str, headers: dict[str, str], query: str, provider: str | None
) -> None:
    match = find_route("PUT", path, headers, query)
    assert isinstance(match, NoRoute)
    assert match.provider == provider
    assert match.dialect.name == "gemini"


def test_doubled_version_error_names_the_base_url() -> None:
    match = find_route("POST", "/v1/v1/models/x:generateContent", {"host": "mock:9"})
    assert isinstance(match, NoRoute)
    assert (match.failure.message or "").endswith("Set the client's base URL to http://mock:9")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/upload/v1beta/fileSearchStores/abc:nope"),
        ("POST", "/upload/v1beta/fileSearchStores/abc"),
        ("POST", "/upload/v1beta/fileSearchStores/abc:uploadToFileSearchStore/"),
        ("GET", "/v1beta/fileSearchStores/"),
        ("GET", "/v1beta/fileSearchStores/abc/"),
        ("GET", "/v1/fileSearchStores/abc/"),
        ("GET", "/v1beta/nope"),
    ],
)
def test_unknown_path_of_google_has_its_error(method: str, path: str) -> None:
    error = VirtualServer("rules: [{reply: Hi.}]").respond(ClientRequest(path, method=method)).json["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")
