"""The reaction of the SDKs to each fault, as the tests beside it find it and docs/faults.md prints it.

For openai (chat), anthropic (messages) and google-genai: of a stream and of a non-streaming response, the text that
the caller gets, and behind `!` the name of the exception that is raised. ALL is the whole text, with its finish
reason.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ALL: Final = "ALL"
SDKS: Final = ("openai", "anthropic", "google-genai")


class Outcome(NamedTuple):
    """By SDK, as in SDKS; of a stream and of a non-streaming response."""

    streamed: tuple[str, str, str]
    whole: tuple[str, str, str] = (ALL, ALL, ALL)


FINE: Final = Outcome((ALL, ALL, ALL))
UNKNOWN: Final = Outcome(("no outcome yet",) * 3, ("no outcome yet",) * 3)
"""Of a fault without an outcome: each test of it fails, and prints what the SDK does."""
BROKEN_HEAD: Final = ("!APIConnectionError", "!APIConnectionError", "!RemoteProtocolError")
OUTCOMES: Final[dict[str, Outcome]] = {
    "reset": Outcome(
        ("one zwölf !APIConnectionError", "one zwölf !ReadError", "one zwölf !ReadError"),
        ("!APIConnectionError", "!APIConnectionError", "!ReadError"),
    ),
    "close": Outcome(
        ("one zwölf !APIConnectionError", "one zwölf !RemoteProtocolError", "one zwölf !RemoteProtocolError"),
        ("!APIConnectionError", "!APIConnectionError", "!RemoteProtocolError"),
    ),
    "silence": Outcome(
        ("one zwölf !APITimeoutError", "one zwölf !ReadTimeout", "one zwölf !ReadTimeout"),
        ("!APITimeoutError", "!APITimeoutError", "!ReadTimeout"),
    ),
    "slow_close": FINE,
    "bandwidth": FINE,
    "slow_headers": FINE,
    "no_response": Outcome(
        ("!APIConnectionError", "!APIConnectionError", "!ReadError"),
        ("!APIConnectionError", "!APIConnectionError", "!ReadError"),
    ),
    "content_type": FINE,
    "content_length": Outcome(
        (ALL, f"{ALL}!RemoteProtocolError", f"{ALL}!RemoteProtocolError"),
        ("!APIConnectionError", "!APIConnectionError", "!RemoteProtocolError"),
    ),
    "bad_headers": Outcome(BROKEN_HEAD, BROKEN_HEAD),
    "broken_chunking": Outcome(
        ("one zwölf !APIConnectionError", "one zwölf !RemoteProtocolError", "one zwölf !RemoteProtocolError"),
        ("!APIConnectionError", "!APIConnectionError", "!RemoteProtocolError"),
    ),
    "truncate": Outcome(
        ("one zwölf ", "one zwölf ", "one zwölf "),
        ("!JSONDecodeError", "!JSONDecodeError", "!JSONDecodeError"),
    ),
    "bad_gzip": Outcome(
        ("!APIConnectionError", "!DecodingError", "!DecodingError"),
        ("!APIConnectionError", "!APIConnectionError", "!DecodingError"),
    ),
    "html_page": Outcome(
        ("!InternalServerError", "!InternalServerError", "!ServerError"),
        ("!InternalServerError", "!InternalServerError", "!ServerError"),
    ),
    "redirect": Outcome(
        ("!NotFoundError", "!NotFoundError", "!ClientError"),
        ("!NotFoundError", "!NotFoundError", "!ClientError"),
    ),
    "malformed": Outcome(("!JSONDecodeError", "!JSONDecodeError", "!UnknownApiResponseError")),
    "duplicate": Outcome(
        ("one one zwölf <three> four", "one one zwölf <three> four", "one one zwölf <three> four")
    ),
    "drop": Outcome(("zwölf <three> four", "zwölf <three> four", "zwölf <three> four")),
    "reorder": Outcome(("zwölf one <three> four", "zwölf one <three> four", "zwölf one <three> four")),
    "cut_event": Outcome(("", "", "!UnknownApiResponseError")),
    "cut_utf8": FINE,
    "bad_checksum": FINE,
    "no_terminator": FINE,
    "no_finish": Outcome(("one zwölf <three> four", "one zwölf <three> four", "one zwölf <three> four")),
    "error_event": Outcome(
        ("one zwölf !APIError", "one zwölf !APIStatusError", "one zwölf !ServerError"),
        ("!InternalServerError", "!OverloadedError", "!ServerError"),
    ),
    "stall": FINE,
    "drip": FINE,
    "comment_flood": Outcome((ALL, ALL, "one zwölf !UnknownApiResponseError")),
    "crlf": FINE,
    "coalesce": FINE,
    "header_form": FINE,
    "no_space": Outcome((ALL, ALL, "!UnknownApiResponseError")),
    "tool_call_chunks": FINE,
    "finish": FINE,
    "role": FINE,
    "usage": FINE,
    "empty_chunk": FINE,
    "event_names": Outcome((ALL, "", ALL)),
    "merged_events": Outcome(("!JSONDecodeError", "!JSONDecodeError", "!UnknownApiResponseError")),
}
"""With the settings of the matrix; what is not streamed, a fault of streams leaves as it is."""
