"""What is told of faults where one of them sends something else in place of the answer."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import VirtualServer, chat_request

RULE = "rules:\n  - {name: r, reply: a b c, faults: %s}\n"
LISTS = {
    "[close, html_page]": (("html_page",), ["close not played: html_page stands in its place"]),
    "[html_page, close]": (("html_page", "close"), []),
    "[html_page, redirect]": (("redirect",), ["html_page not played: redirect stands in its place"]),
    "[html_page, refusal]": (("html_page",), ["refusal not played: html_page stands in its place"]),
    "[slow_headers, bad_headers, html_page]": (("slow_headers", "bad_headers", "html_page"), []),
    "[crlf, html_page]": (("html_page",), ["crlf not played: html_page stands in its place"]),
    "[slow_headers, no_response]": (
        ("no_response",),
        ["slow_headers not played: no_response stands in its place"],
    ),
    "[no_response, html_page]": (
        ("no_response",),
        ["html_page not played: no byte of the response is sent"],
    ),
}


@pytest.mark.parametrize("faults", LISTS)
def test_a_replaced_fault_is_noted_as_not_played(faults: str) -> None:
    engine, asked = VirtualServer(RULE % faults).engine, chat_request(stream=True)
    answer = engine.respond(
        engine.read(asked.method, asked.path, asked.query, {}, asked.body, asked.client, asked.now)
    )
    told = [note for note in answer.notes if "not played" in note]
    assert (answer.faults, told) == LISTS[faults]
