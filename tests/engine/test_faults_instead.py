"""The notes on faults where one of them replaces the response."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import VirtualServer, chat_request

RULE = "rules:\n  - {name: r, reply: a b c, faults: %s}\n"
LISTS = {
    "[close, html_page]": (("html_page",), ["close not applied: html_page replaces it"]),
    "[html_page, close]": (("html_page", "close"), []),
    "[html_page, redirect]": (("redirect",), ["html_page not applied: redirect replaces it"]),
    "[html_page, refusal]": (("html_page",), ["refusal not applied: html_page replaces it"]),
    "[slow_headers, bad_headers, html_page]": (("slow_headers", "bad_headers", "html_page"), []),
    "[crlf, html_page]": (("html_page",), ["crlf not applied: html_page replaces it"]),
    "[slow_headers, no_response]": (
        ("no_response",),
        ["slow_headers not applied: no_response replaces it"],
    ),
    "[no_response, html_page]": (
        ("no_response",),
        ["html_page not applied: no byte of the response is sent"],
    ),
}


@pytest.mark.parametrize("faults", LISTS)
def test_a_replaced_fault_is_noted_as_not_played(faults: str) -> None:
    engine, requested = VirtualServer(RULE % faults).engine, chat_request(stream=True)
    answer = engine.respond(
        engine.read(
            requested.method,
            requested.path,
            requested.query,
            {},
            requested.body,
            requested.client,
            requested.now,
        )
    )
    stated = [note for note in answer.notes if "not applied" in note]
    assert (answer.faults, stated) == LISTS[faults]
