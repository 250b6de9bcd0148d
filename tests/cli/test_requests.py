"""`mockllm requests` and `mockllm verify`, against a live server."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli import api_client
from mockllm.cli.main import main
from tests.server.control.live_server import Steered, steered

FILE = """
rules:
  - name: hello
    match: {user: hello}
    reply: Hello you.
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    with steered(folder, {"a.yaml": FILE}) as built:
        monkeypatch.setenv("MOCKLLM_URL", f"http://127.0.0.1:{built.port}")
        yield built


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


def test_requests_are_listed_oldest_first(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("hello")
    server.ask("\x1b[2Jbye", session="mine")
    code, out, _ = ran(capsys, "requests")
    first, second = out.splitlines()
    assert code == 0
    assert first.startswith("#1 ")
    assert "POST /v1/chat/completions gpt-4o → a.yaml:hello 200" in first
    assert "no rule matched 404" in second
    assert "\x1b" not in out
    assert ran(capsys, "requests", "--missed")[1].startswith("#2 ")
    assert ran(capsys, "requests", "--session", "mine", "--json")[1].count("\n") == 1
    assert ran(capsys, "requests", "--last", "0")[1] == ""


def test_requests_show_the_number_of_a_retry(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    for count in ("0", "2"):
        server.call("POST", "/v1/chat/completions", body, {"X-Stainless-Retry-Count": count})
    first, second = ran(capsys, "requests")[1].splitlines()
    assert (first.endswith("[retry 2]"), second.endswith("[retry 2]")) == (False, True)


def test_requests_says_why_it_lists_none(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "requests") == (0, "", "the server has no requests in its journal\n")
    server.ask("hello")
    reason = "no request fits --model --rule; the server received 1 request\n"
    assert ran(capsys, "requests", "--rule", "typo", "--model", "x") == (0, "", reason)


def test_requests_missed_lists_near_misses(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("hallo")
    server.ask("hello")
    lines = ran(capsys, "requests", "--missed")[1].splitlines()
    assert lines[0].startswith("#1 ")
    near_miss = 'a.yaml:3 hello: user expected "hello", found "hallo" (nearly the same: a typing error?)'
    assert [line.partition("scenarios/")[2] for line in lines[1:]] == [near_miss]
    assert len(ran(capsys, "requests")[1].splitlines()) == 2


def test_requests_json_has_the_request(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("hallo")
    listed = json.loads(ran(capsys, "requests", "--json")[1])
    assert listed["request"]["body"]["messages"][0]["content"] == "hallo"
    assert "a.yaml:3 hello: user expected" in listed["near_misses"][0]


def test_requests_json_without_dropped_request(
    server: Steered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.ask("hello")
    ask = api_client.ask

    def refuse_details(args: argparse.Namespace, method: str, path: str, *more: Any) -> Any:
        if path == "/api/requests/1":
            raise api_client.ApiError("gone")
        return ask(args, method, path, *more)

    monkeypatch.setattr(api_client, "ask", refuse_details)
    assert "request" not in json.loads(ran(capsys, "requests", "--json")[1])


def test_requests_follow_prints_new_requests(
    server: Steered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = iter(["hello", "bye"])

    def slept(seconds: float) -> None:
        user = next(users, None)
        if user is None:
            raise KeyboardInterrupt
        server.ask(user)

    monkeypatch.setattr("mockllm.cli.requests.time.sleep", slept)
    server.ask("hello")
    code, out, _ = ran(capsys, "requests", "--follow")
    assert code == 130
    assert [line.partition(" ")[0] for line in out.splitlines()] == ["#1", "#2", "#3"]


def test_requests_follow_counts_dropped_requests(
    server: Steered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter([True, False])

    def slept(seconds: float) -> None:
        if not next(steps, False):
            raise KeyboardInterrupt
        for _ in range(3):
            server.ask("hello")
        server.call("DELETE", "/api/requests")
        server.ask("hello")

    monkeypatch.setattr("mockllm.cli.requests.time.sleep", slept)
    server.ask("hello")
    out = ran(capsys, "requests", "--follow")[1]
    assert [line.partition(" → ")[0].partition(" ")[0] for line in out.splitlines()] == ["#1", "…", "#5"]
    assert "… 3 requests were dropped from the journal" in out


def test_requests_last_has_as_many_pages_as_necessary(
    server: Steered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockllm.cli.requests.MAX_PAGE", 2)
    for _ in range(5):
        server.ask("hello")
    for most, first in ((1, 5), (2, 4), (3, 3), (4, 2), (5, 1), (9, 1)):
        lines = ran(capsys, "requests", "--last", str(most))[1].splitlines()
        assert [line.partition(" ")[0] for line in lines] == [f"#{number}" for number in range(first, 6)]


def test_requests_follow_goes_on_with_a_restarted_server(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def after_restart(seconds: float) -> None:
        if next(polls, None) is None:
            raise KeyboardInterrupt
        if servers:
            monkeypatch.setenv("MOCKLLM_URL", f"http://127.0.0.1:{servers.pop().port}")

    polls = iter(range(3))
    with steered(tmp_path, {"a.yaml": FILE}) as first, steered(tmp_path, {"a.yaml": FILE}) as second:
        servers = [second]
        for _ in range(5):
            first.ask("hello")
        for _ in range(3):
            second.ask("hello")
        monkeypatch.setenv("MOCKLLM_URL", f"http://127.0.0.1:{first.port}")
        monkeypatch.setattr("mockllm.cli.requests.time.sleep", after_restart)
        out = ran(capsys, "requests", "--follow", "--last", "1")[1]
    assert [line.partition(" ")[0] for line in out.splitlines()] == ["#5", "#1", "#2", "#3"]


def test_requests_without_server_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKLLM_URL", "http://127.0.0.1:1")
    code, _, err = ran(capsys, "requests")
    reason = "no server responds at http://127.0.0.1:1: Connection refused"
    remedy = "`mockllm serve` starts one, --url names another"
    assert (code, err) == (2, f"mockllm: {reason}; {remedy}\n")
    assert ran(capsys, "requests", "--url", "localhost:1")[0] == 2


EXPECTED: dict[str, tuple[str, int, str]] = {
    "what was asked": ("expect: [{match: {user: hello}, exactly: 1}]", 0, "verified: 1 request checked"),
    "what was not": (
        "expect:\n  - match: {user: bye}\n",
        1,
        'nearest: #1 /v1/chat/completions gpt-4o → a.yaml:hello: user expected "bye", found "hello"',
    ),
    "what was asked too often": (
        "expect: [{match: {user: hello}, exactly: 0}]",
        1,
        "expected exactly 0, found 1\n  such as #1 /v1/chat/completions gpt-4o → a.yaml:hello\n",
    ),
    "an unknown word": (
        "expect:\n- match:\n    usr: bye",
        2,
        "expectations.yaml:3:5: expect[0].match.usr: unknown key",
    ),
    "an unmet expectation": (
        "expect:\n- {match: {user: hello}}\n- {match: {user: hello}, exactly: 3}",
        1,
        "expectations.yaml:3:3: expect[1]: expected exactly 3, found 1",
    ),
    "no number": (
        "expect:\n- exactly: 1\n- exactly: two",
        2,
        "expectations.yaml:3:12: expect[1].exactly: expected a whole",
    ),
    "an unknown word beside the match": (
        "expect:\n- {match: {user: bye}, times: 2}",
        2,
        "expectations.yaml:2:24: expect[0].times: is unknown; the known keys are match, ",
    ),
    "a word for a count": ("expect:\n- {times: 2}", 2, '; did you mean "exactly"?'),
    "an operator as a count": ("expect:\n- {gte: 2}", 2, '; did you mean "at_least"?'),
    "a condition beside the match": (
        "expect:\n- {user: bye, exactly: 2}",
        2,
        "at_most; it is a condition: write match: {user: …}",
    ),
    "a word too many": (
        "expects: []",
        2,
        "expectations.yaml:1:1: expects: is unknown; the known keys are expect,",
    ),
    "a word that is misspelt": ("expects: []", 2, 'since; did you mean "expect"?'),
    "an empty expectation": ("expect: [{}]", 2, "1:10: expect[0]: this expectation is empty"),
    "a secret": ("expect: [{match: {api_key: k}}]", 2, "1:28: expect[0].match.api_key: the journal stores"),
    "no YAML": ("expect: [", 2, "expectations"),
    "an empty file": ("", 2, "expectations.yaml:1:1: expected `expect:` and a list below it, found nothing"),
    "no expectation": ("expect: []", 2, "expectations.yaml:1:9: expect: nothing to verify: expected an exp"),
    "only a session": ("session: s", 2, "nothing to verify: expected an exp"),
    "no expectation but a check": ("{expect: [], max_cost: 1}", 0, "verified: 1 request"),
    "a list": ("- a", 2, "expectations.yaml:1:1: expected `expect:` and a list below it, found a list"),
}


@pytest.mark.parametrize(("text", "code", "output"), EXPECTED.values(), ids=EXPECTED)
def test_verify_checks_expectations(
    server: Steered,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str,
    code: int,
    output: str,
) -> None:
    server.ask("hello")
    file = tmp_path / "expectations.yaml"
    file.write_text(text)
    got, out, err = ran(capsys, "verify", str(file))
    assert got == code, out + err
    assert output in out + err


def test_verify_options_replace_file_keys(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("bye")
    code, out, _ = ran(capsys, "verify", "--no-unmatched", "--all-rules-used", "--json")
    assert code == 1
    assert len(json.loads(out)["failures"]) == 2
    server.ask("hello", session="other")
    assert ran(capsys, "verify", "--no-unmatched", "--session", "other")[0] == 0
    for option in ((), ("--session", "other"), ("--in-order",)):
        code, _, err = ran(capsys, "verify", *option)
        assert (code, "nothing to verify: expected a file" in err) == (2, True)
    assert ran(capsys, "verify", "/no/such/file")[0] == 2


def test_verify_of_unknown_session_exits_with_2(
    server: Steered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server.ask("hello", session="there")
    code, _, err = ran(capsys, "verify", "--no-unmatched", "--session", "typo")
    assert (code, err) == (2, "mockllm: no request has the session typo\n")
    file = tmp_path / "expectations.yaml"
    file.write_text("session: typo\nno_unmatched: true\n")
    assert ran(capsys, "verify", str(file))[0] == 2
    server.call("DELETE", "/api/requests")
    assert ran(capsys, "verify", "--no-unmatched", "--session", "there")[0] == 0, "it was there"


def test_verify_accepts_session_with_only_rules(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.call("POST", "/api/rules?session=new", {"reply": "x"})
    assert ran(capsys, "verify", "--no-unmatched", "--session", "new")[0] == 0


@pytest.mark.parametrize("wrong", [("--status", "abc"), ("--last", "-5"), ("--last", "all")], ids=" ".join)
def test_requests_invalid_number_is_usage_mistake(
    capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]
) -> None:
    code, _, err = ran(capsys, "requests", *wrong)
    assert code == 2
    assert f"argument {wrong[0]}: expected " in err


def test_requests_names_the_variable_with_a_wrong_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOCKLLM_URL", "nonsense")
    with pytest.raises(SystemExit) as ended:
        main(["requests"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "mockllm: MOCKLLM_URL: expected http://HOST:PORT, found 'nonsense'\n"


def test_requests_without_control_api_fails(
    server: Steered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.app, "control", None)
    code, _, err = ran(capsys, "requests")
    assert code == 2
    assert f"there is no control API at http://127.0.0.1:{server.port}: `mockllm record` has none, and" in err


def test_verify_reports_all_mistakes_of_a_file(
    server: Steered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "expectations.yaml"
    file.write_text(
        "expect:\n- {match: {modl: x}}\n- {exactly: -1}\n- {match: {api_key: k}}\n- {exactly: 1, at_most: 2}\n"
        "in_oder: true\n"
    )
    code, _, err = ran(capsys, "verify", str(file))
    *lines, count = err.splitlines()
    places = [line.removeprefix(f"{file}:").partition(": ")[0] for line in lines]
    assert (code, places, count) == (2, ["2:12", "3:13", "4:21", "5:13", "6:1"], "5 mistakes")
