"""Readers of requests with the same head."""

from __future__ import annotations

from tests.language.virtual_server import NOW, VirtualServer

PATH = "/s/mine/v1/chat/completions"


def test_reader_with_other_headers_reads_the_same_route() -> None:
    engine = VirtualServer("rules: [{reply: hi}]").engine
    first = engine.request_reader("POST", PATH, "a=1", {"content-length": "2", "x-a": "b"})
    second = first.with_headers({"content-length": "13", "x-a": "b"})
    request = second.read(b'{"model":"m"}', "::1", NOW)
    assert (request.method, request.path, request.query_string) == ("POST", "/v1/chat/completions", "a=1")
    assert (request.api, request.session, request.model) == ("chat", "mine", "m")
    assert request.headers["content-length"] == "13"
    assert first.read(b"{}", "::1", NOW).headers["content-length"] == "2", "the first reader keeps its own"
