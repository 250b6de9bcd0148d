"""Addresses on this server in responses: the client's host and session, and https on TLS."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.language.virtual_server import ClientRequest, raw_request, respond_once

RULES = """
rules:
  - {match: {api: images}, reply: {images: [{size: 8x8}]}}
mcp: [{name: tools, oauth: true}]
"""
IMAGE = raw_request("/v1/images/generations", {"model": "dall-e-3", "prompt": "a cat"})
METADATA = raw_request("/mcp/tools/.well-known/oauth-protected-resource", method="GET")


@pytest.mark.parametrize("sent", [IMAGE, METADATA], ids=["image", "metadata of OAuth"])
@pytest.mark.parametrize(
    ("headers", "session", "expected"),
    [
        ({"host": "mock:8080"}, "", "http://mock:8080/"),
        ({"host": "mock", "x-forwarded-proto": "https"}, "", "https://mock/"),
        ({"host": "mock"}, "/s/mine", "http://mock/s/mine/"),
    ],
    ids=["host", "proxy with TLS", "session"],
)
def test_address_has_scheme_host_and_session(
    sent: ClientRequest, headers: dict[str, str], session: str, expected: str
) -> None:
    response = respond_once(RULES, replace(sent, path=session + sent.path, headers=headers))
    assert response.status == 200
    body = json.loads(response.bytes)
    address = body["data"][0]["url"] if "data" in body else body["resource"]
    assert address.startswith(expected)
