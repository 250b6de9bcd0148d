"""The live line."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.redaction import Redactor
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import older_hash, request_hash
from mockllm.server.access_log import (
    MAX_NEAR_MISS,
    MAX_TEXT,
    AccessLog,
    AccessLogRecord,
    duration,
    printable_line,
    shortened_for_line,
    shown_retry,
)

AT = time.mktime((2026, 11, 20, 10, 12, 1, 0, 0, -1))
RECORD = AccessLogRecord(AT, "POST", "/v1/messages", "claude-x", "a.yaml:hi", ("a.yaml:slow",), 200, 0.0123)


def line(record: AccessLogRecord, *, colour: bool = False, verbose: bool = False) -> str:
    written: list[str] = []
    AccessLog(written.append, colour=colour, verbose=verbose).show(record)
    return written[0]


CASES: dict[str, tuple[AccessLogRecord, str]] = {
    "an answered request": (RECORD, "10:12:01 POST /v1/messages claude-x → a.yaml:hi 200 12ms"),
    "a note is always in the line": (
        replace(RECORD, notes=("fail_chunk not applied: the answer has 3 chunks",)),
        "10:12:01 POST /v1/messages claude-x → a.yaml:hi 200 12ms  "
        "[fail_chunk not applied: the answer has 3 chunks]",
    ),
    "a miss says so": (
        replace(RECORD, rule=None, unmatched=True, status=404),
        "10:12:01 POST /v1/messages claude-x → no rule matched 404 12ms",
    ),
    "without a model or a rule": (
        replace(RECORD, model=None, rule=None),
        "10:12:01 POST /v1/messages - → - 200 12ms",
    ),
    "a client that left": (
        replace(RECORD, end_reason="gone"),
        "10:12:01 POST /v1/messages claude-x → a.yaml:hi 200 12ms  [the client left]",
    ),
    "a client that left before the head": (
        replace(RECORD, end_reason="gone", unsent=True),
        "10:12:01 POST /v1/messages claude-x → a.yaml:hi 200 12ms  [the client left before a byte was sent]",
    ),
    "an answer that the server itself cut": (
        replace(RECORD, end_reason="stopped"),
        "10:12:01 POST /v1/messages claude-x → a.yaml:hi 200 12ms  [cut: the server stopped]",
    ),
    "a cut": (
        replace(RECORD, end_reason="reset", notes=("a note",)),
        "10:12:01 POST /v1/messages claude-x → a.yaml:hi 200 12ms  [a note; cut: connection reset]",
    ),
    "what a client sends cannot steer the terminal": (
        replace(RECORD, path="/\x1b[2J\r\n", model="\x1b]0;x\x07\u202e\ud800", notes=("a\nb",)),
        "10:12:01 POST /\\x1b[2J\\r\\n \\x1b]0;x\\x07\\u202e\\ud800 → a.yaml:hi 200 12ms  [a\\nb]",
    ),
}


@pytest.mark.parametrize(("record", "expected"), CASES.values(), ids=CASES)
def test_line_has_expected_text(record: AccessLogRecord, expected: str) -> None:
    assert line(record) == expected


def test_verbose_adds_the_modifiers() -> None:
    assert line(RECORD, verbose=True).endswith("12ms  [modifiers: a.yaml:slow]")
    assert "[" not in line(replace(RECORD, modifiers=()), verbose=True)


@pytest.mark.parametrize(
    ("seeds", "stated"),
    [
        ({"seed_token": "7@3,r0:1:1", "id_seed": b"7||3|"}, "7@3,r0:1:1"),
        ({"id_seed": b"7||3|"}, "7@3"),
        ({"id_seed": b"7|header:a=x|y|0|"}, "7"),
    ],
)
def test_verbose_line_has_session_and_seed(seeds: dict[str, Any], stated: str) -> None:
    record = replace(RECORD, modifiers=(), session="gw0:test", **seeds)
    assert line(record, verbose=True).endswith(f"12ms  [session: gw0:test; seed: {stated}]")
    assert "[" not in line(record)


def test_verbose_line_has_hash_for_match() -> None:
    request = Request(method="POST", path="/v1/messages", headers={}, raw=b'{"model": "m"}')
    written: list[str] = []
    AccessLog(written.append, verbose=True).show(replace(RECORD, modifiers=()), request)
    AccessLog(written.append).show(RECORD, request)
    older = older_hash(request)
    assert written[0].endswith(f"12ms  [hash: {request_hash(request)}; older hash: {older}]")
    assert written[1].startswith('  {"method":"POST","path":"/v1/messages","provider":null')
    assert "hash" not in written[2]
    assert len(written) == 3


@pytest.mark.parametrize(("status", "code"), [(200, "32"), (302, "36"), (404, "33"), (500, "31"), (999, "0")])
def test_status_is_coloured_only_on_request(status: int, code: str) -> None:
    record = replace(RECORD, status=status)
    assert f"\x1b[{code}m{status}\x1b[0m" in line(record, colour=True)
    assert "\x1b" not in line(record)


def test_unmatched_request_is_coloured() -> None:
    assert "\x1b[1;33mno rule matched\x1b[0m" in line(replace(RECORD, unmatched=True), colour=True)


def test_unmatched_request_is_error_if_strict() -> None:
    written: list[str] = []
    unmatched = replace(RECORD, rule=None, unmatched=True, status=404)
    for colour in (False, True):
        AccessLog(written.append, colour=colour, strict=True).show(unmatched)
    assert "claude-x → error: no rule matched 404 " in written[0]
    assert "\x1b[1;31merror: no rule matched\x1b[0m" in written[1]


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [(0.00042, "0.4ms"), (0.012, "12ms"), (0.9, "900ms"), (0.9996, "1.0s"), (3.21, "3.2s")],
)
def test_durations(seconds: float, reported: str) -> None:
    assert duration(seconds) == reported


def test_long_texts_are_cut() -> None:
    assert len(shortened_for_line("x" * 10_000)) == MAX_TEXT
    assert shortened_for_line("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert printable_line("x" * 10_000).endswith("x…")


def retried(count: str | None) -> str:
    return AccessLog(print).line(replace(RECORD, retry=shown_retry(count, Redactor())))


def test_line_has_retry_count_of_sdk() -> None:
    assert retried("2").endswith(" 12ms  [retry 2]")
    assert retried("\x1b[2J").endswith(" 12ms  [retry \\x1b[2J]")
    assert retried("0") == retried(None)


def requested(agent: str, client: str = "10.0.0.1") -> Request:
    return Request(
        method="POST", path="/v1/messages", headers={"user-agent": agent}, raw=b"{}", client_address=client
    )


def test_unmatched_request_has_its_nearest_rule_below() -> None:
    written: list[str] = []
    unmatched = replace(RECORD, rule=None, unmatched=True, status=404)
    log = AccessLog(written.append)
    log.show(
        replace(unmatched, near_misses=('a.yaml:3 hi: user expected "hi", found "\x1b[2Jhe"', "b.yaml:4 ho"))
    )
    log.show(unmatched)
    assert written[1] == '  a.yaml:3 hi: user expected "hi", found "\\x1b[2Jhe"'
    assert len(written) == 3


def test_near_miss_of_many_characters_is_cut() -> None:
    written: list[str] = []
    unmatched = replace(RECORD, rule=None, unmatched=True, near_misses=("x" * 10_000,))
    AccessLog(written.append).show(unmatched)
    assert len(written[1]) == MAX_NEAR_MISS + 2


def test_line_names_faults_and_the_cut() -> None:
    faulty = replace(RECORD, faults=("stall", "disconnect"), end_reason="close")
    assert line(faulty).endswith("12ms  [fault: stall, disconnect; cut: connection closed]")


@pytest.mark.parametrize(
    ("session", "name", "call"),
    [
        (None, "approval", 'waits for "approval": POST /api/release/approval, at most 0.5s'),
        ("REDACTED-0a1b", "approval", 'waits for "approval", at most 0.5s'),
        ("a b", "x/y", 'waits for "x/y": POST /api/release/x%2Fy?session=a%20b, at most 0.5s'),
    ],
)
def test_line_on_a_hold_has_the_call_that_releases_it(session: str | None, name: str, call: str) -> None:
    written: list[str] = []
    AccessLog(written.append).show_hold(replace(RECORD, session=session), name, 0.5)
    assert written[0].endswith(f" {call}")
    assert written[0].startswith(line(RECORD).partition(" 200 ")[0])


@pytest.mark.parametrize("kind", ["field", "header"])
def test_unknown_name_is_noted_once_for_each_client(kind: str) -> None:
    written: list[str] = []
    log = AccessLog(written.append)
    noted = replace(RECORD, notes=(f'unknown {kind} "foo"', "a note"))
    for request in (requested("a"), requested("a"), requested("b"), requested("a", "10.0.0.2")):
        log.show(noted, request)
    notes = [line.partition("[")[2] for line in written]
    both = f'unknown {kind} "foo"; a note]'
    assert notes == [both, "a note]", both, both]


def test_unknown_fields_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.server.access_log.MAX_NOTED", 2)
    written: list[str] = []
    log = AccessLog(written.append)
    for name in ("a", "b", "c", "a"):
        log.show(replace(RECORD, notes=(f'unknown field "{name}"',)), requested("x"))
    assert all("unknown field" in line for line in written)
