"""WebSockets that a rule or a recorder of misses passes on: turns in the journal, recordings, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from mockllm.server import proxied_turns
from tests.live import Live, live
from tests.process import serving
from tests.server.recording import closed_address, files, recording
from tests.server.test_websocket_recorder import SCENARIO, opened, turn
from tests.waiting import PATIENCE, until

PROXY = "{{name: theirs, match: {{api: handshake}}, proxy: {to}}}"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "provider").mkdir()
    (tmp_path / "provider/a.yaml").write_text(SCENARIO, encoding="utf-8")
    with live(tmp_path / "provider") as running:
        yield running


def rules(folder: Path, *items: str) -> Path:
    (folder / "a.yaml").write_text("rules:\n" + "".join(f"- {item}\n" for item in items), encoding="utf-8")
    return folder / "a.yaml"


def is_text(messages: list[Any], text: str) -> bool:
    return text in json.loads(messages[-1])["response"]["output"][0]["content"][0]["text"]


def test_rule_passes_the_whole_socket_on(provider: Live, tmp_path: Path) -> None:
    proxy = PROXY.format(to=f"'{provider.url}/v1'")
    with live(rules(tmp_path, "{match: {user: hi}, reply: Ours.}", proxy)) as server:
        with opened(server.url) as socket:
            assert is_text(turn(socket, "hi"), "One, two.")
            assert is_text(turn(socket, "again"), "One, two.")
            line = server.line(lambda line: "WS response.create" in line)
            assert "a.yaml:theirs 200" in line
            assert f"[forwarded to {provider.url}/v1]" in line
        line = server.line(lambda line: "GET /v1/responses" in line)
        assert "a.yaml:theirs 101" in line
        assert f"WebSocket forwarded to {provider.url}/v1, " in line


def test_rule_without_handshake_serves_the_socket_here(provider: Live, tmp_path: Path) -> None:
    text = f"{{match: {{user: away}}, proxy: '{provider.url}'}}"
    with (
        live(rules(tmp_path, "{match: {user: hi}, reply: Ours.}", text)) as server,
        opened(server.url) as socket,
    ):
        assert is_text(turn(socket, "hi"), "Ours.")
        (message,) = turn(socket, "away")
        assert "write match: {api: handshake} beside proxy" in json.loads(message)["error"]["message"]


def test_unreachable_upstream_of_a_rule_is_a_502(tmp_path: Path) -> None:
    with closed_address() as there, live(rules(tmp_path, PROXY.format(to=f"'{there}'"))) as server:
        with pytest.raises(InvalidStatus) as refused:
            opened(server.url)
        assert refused.value.response.status_code == 502


def test_delay_of_a_rule_holds_back_the_handshake(provider: Live, tmp_path: Path) -> None:
    proxy = PROXY.format(to=f"'{provider.url}', delay: 50ms, faults: [stall]")
    with live(rules(tmp_path, proxy)) as server:
        with opened(server.url) as socket:
            assert turn(socket, "hi")
        line = server.line(lambda line: "GET /v1/responses" in line)
        assert "stall not applied: another server makes the response" in line


def test_proxy_of_a_pack_needs_an_allowed_host(provider: Live, tmp_path: Path) -> None:
    pack = tmp_path / "own"
    pack.mkdir()
    (pack / "pack.yaml").write_text("name: own\nversion: 1.0.0\n")
    rules(pack, PROXY.format(to=f"'{provider.url}'"))
    (tmp_path / "use.yaml").write_text("use: [./own]\nrules: []\n")
    with serving("--scenarios", "use.yaml", cwd=tmp_path) as process:
        with pytest.raises(InvalidStatus) as refused:
            opened(process.url)
        assert refused.value.response.status_code == 403
    options = ("--scenarios", "use.yaml", "--proxy-allow", "127.0.0.1")
    with serving(*options, cwd=tmp_path) as process, opened(process.url) as socket:
        assert turn(socket, "hi")


@pytest.mark.parametrize("mine", [True, False])
def test_missed_socket_is_passed_on_and_replayed(mine: bool, provider: Live, tmp_path: Path) -> None:
    """`mine`: a rule may reply to its messages."""
    rules(
        tmp_path, "{match: {api: responses}, reply: Ours.}" if mine else "{match: {api: chat}, reply: Ours.}"
    )
    options = ("--scenarios", "a.yaml", "--record-misses", "kept", "--upstream", f"openai={provider.url}")
    with serving(*options, cwd=tmp_path) as process:
        with opened(process.url) as socket:
            assert is_text(turn(socket, "hi"), "Ours." if mine else "One, two.")
        if mine:
            assert not list((tmp_path / "kept").rglob("*.yaml"))
            return
        (file,) = files(tmp_path / "kept")
    with live(file) as replaying, opened(replaying.url) as socket:
        assert is_text(turn(socket, "hi"), "One, two.")


def test_proxied_socket_is_recorded_if_the_rule_says_so(provider: Live, tmp_path: Path) -> None:
    rules(tmp_path, PROXY.format(to=f"{{to: '{provider.url}', record: true}}"))
    options = ("--scenarios", "a.yaml", "--record-misses", "kept", "--upstream", f"anthropic={provider.url}")
    with serving(*options, cwd=tmp_path) as process:
        with opened(process.url) as socket:
            turn(socket, "hi")
        (file,) = files(tmp_path / "kept")
    assert "close: 1000" in file.read_text(encoding="utf-8")
    with live(rules(tmp_path, PROXY.format(to=f"{{to: '{provider.url}', record: true}}"))) as server:
        with opened(server.url) as socket:
            turn(socket, "hi")
        line = server.line(lambda line: "GET /v1/responses" in line)
        assert "not recorded: serve it with --record-misses DIR" in line


def test_long_turn_is_not_wholly_in_the_journal(
    provider: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxied_turns, "MAX_TURN", 2_000)
    monkeypatch.setattr(proxied_turns, "MAX_KINDS", 0)
    with recording(tmp_path / "out", openai=provider.url) as (url, _, lines):
        with opened(url) as socket:
            assert is_text(turn(socket, "hi"), "One, two.")
        until(lambda: any("more messages are not in the journal" in line for line in lines))


def test_turn_of_empty_messages_is_not_wholly_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxied_turns, "MAX_TURN", 2_000)
    empty = "messages: [{at: 0s, from: client, data: hi}, EMPTY, {at: 0s, data: bye}]".replace(
        "EMPTY", ", ".join(['{at: 0s, data: ""}'] * 30)
    )
    rules(tmp_path, f"{{match: {{path: /events}}, replay: {{{empty}}}}}")
    with live(tmp_path / "a.yaml") as there, recording(tmp_path / "out", other=there.url) as (url, _, lines):
        with opened(url, "/events") as socket:
            socket.send("hi")
            until(lambda: socket.recv(PATIENCE) == "bye")
        until(lambda: any("more messages are not in the journal" in line for line in lines))
