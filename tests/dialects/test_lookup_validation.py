"""Calls with a response of the protocol follow `validation` too: that of all files with rules."""

from __future__ import annotations

import re

import pytest

from mockllm.dialects.route_table import ROUTES, Route
from tests.language.virtual_server import raw_request, respond_once

LENIENT = "validation: lenient\nrules: [{reply: x}]"
OFF = "validation: off\nrules: [{reply: x}]"
EMPTY_OBJECT: list[tuple[str, str]] = [
    ("/v1/messages/count_tokens", "Anthropic counts tokens"),
    ("/v1/embeddings", "OpenAI embeds"),
    ("/v1/moderations", "OpenAI moderates"),
    ("/v1/responses/input_tokens", "OpenAI counts tokens"),
    ("/v1/responses/compact", "OpenAI compacts"),
    ("/v1beta/models/gemini-2.5-flash:countTokens", "Gemini counts tokens"),
    ("/v1beta/models/gemini-embedding-001:embedContent", "Gemini embeds"),
    ("/openai/deployments/d/embeddings", "Azure embeds"),
]
POSTED = [
    route
    for route in ROUTES
    if not route.dialect.generates
    and not route.dialect.request_class.is_for_mcp_server
    and route.method == "POST"
]
GOT = [
    route for route in ROUTES if route.method == "GET" and not route.dialect.request_class.is_for_mcp_server
]
LOOKUPS = [route for route in POSTED if "{" not in route.path]
OF_ONE = [route for route in POSTED if "{" in route.path]
BODIES: list[object] = [None, "{", [], "null", {"input": {}, "model": 7}]


@pytest.mark.parametrize("path", [path for path, _ in EMPTY_OBJECT], ids=[name for _, name in EMPTY_OBJECT])
def test_lenient_lookup_accepts_wrong_shape(path: str) -> None:
    sent = raw_request(path, {"input": 3, "messages": 4, "contents": 5, "content": 6})
    assert respond_once(LENIENT, sent).status == 200


@pytest.mark.parametrize("path", [path for path, _ in EMPTY_OBJECT], ids=[name for _, name in EMPTY_OBJECT])
def test_lenient_lookup_refuses_unreadable_body(path: str) -> None:
    assert respond_once(LENIENT, raw_request(path, "{")).status == 400


@pytest.mark.parametrize("route", GOT, ids=lambda route: route.line)
def test_lenient_call_without_body_is_not_refused(route: Route) -> None:
    """An object of an unknown id is not there, or Gemini's is not the client's."""
    for path in route.paths():
        named = f"/{route.provider}" + re.sub(r"\{\w+\}", "m", path)
        status = respond_once(LENIENT, raw_request(named, method="GET")).status
        assert status in (200, 403, 404), "`UncheckedCall` has to be the first base of a call without a body"


@pytest.mark.parametrize("route", LOOKUPS, ids=lambda route: route.line)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.covering
def test_lookup_without_validation_accepts_anything(route: Route, body: object) -> None:
    prefix = f"/{route.provider}" if route.needs_prefix else ""
    for path in route.paths():
        assert respond_once(OFF, raw_request(prefix + path, body)).status == 200


@pytest.mark.parametrize("route", OF_ONE, ids=lambda route: route.line)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.covering
def test_call_on_one_object_misses_it_at_most(route: Route, body: object) -> None:
    """A model of any name is there; an object with an id is not."""
    prefix = f"/{route.provider}" if route.needs_prefix else ""
    for path in route.paths():
        named = prefix + re.sub(r"\{\w+\}", "m", path)
        assert respond_once(OFF, raw_request(named, body)).status in (200, 201, 404)


def test_lookup_in_mixed_files_follows_strictest() -> None:
    sent = raw_request("/v1/embeddings", {})
    files = {"a.yaml": LENIENT, "b.yaml": "rules: [{reply: y}]", "c.yaml": OFF}
    assert respond_once(files, sent).status == 400
    assert respond_once({"a.yaml": OFF, "c.yaml": LENIENT}, sent).status == 200
    assert respond_once({"a.yaml": OFF, "c.yaml": LENIENT}, raw_request("/v1/embeddings", "{")).status == 400


def test_lookup_follows_own_files_rather_than_packs() -> None:
    sent = raw_request("/v1/embeddings", {})
    assert respond_once(f"use: [default]\n{LENIENT}", sent).status == 200
    assert respond_once("use: [default]", sent).status == 400


def test_generating_call_without_rule_stays_strict() -> None:
    unmatched = "validation: off\nrules: [{match: {user: no}, reply: x}]"
    assert respond_once(unmatched, raw_request("/v1/chat/completions", {})).status == 400
