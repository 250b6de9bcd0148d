"""Hot reload of a running server: files come, go and break as people, editors and Kubernetes make them, and no
request notices more than a new response."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process import serving
from tests.server.reloading_server import ReloadingServer
from tests.server.saving import ConfigMap, by_backup, by_rename, in_place, rule, says
from tests.waiting import PATIENCE, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "scenarios"
    built.mkdir()
    (built / "a.yaml").write_text(rule("one", "first"))
    return built


@pytest.fixture
def server(folder: Path) -> Iterator[ReloadingServer]:
    with ReloadingServer(folder) as watched:
        assert says(watched, "one") == "first"
        yield watched


def becomes(server: ReloadingServer, user: str, text: str) -> None:
    until(lambda: says(server, user) == text, otherwise=lambda: f"{says(server, user)}\n{server.reported}")


def stale(server: ReloadingServer) -> dict[str, str]:
    return {each["file"]: each["reason"] for each in server.get("/health")["stale"]}


@pytest.mark.parametrize("save", [in_place, by_rename, by_backup], ids=lambda save: str(save.__name__))
@pytest.mark.covering(count=1)
def test_saved_file_is_served(
    folder: Path, server: ReloadingServer, save: Callable[[Path, str], None]
) -> None:
    save(folder / "a.yaml", rule("one", "second"))
    becomes(server, "one", "second")
    save(folder / "a.yaml", rule("one", "third"))
    becomes(server, "one", "third")
    assert server.line(lambda line: line == "reloaded: 1 rule in 1 file")


@pytest.mark.full
def test_files_are_added_removed_and_renamed(folder: Path, server: ReloadingServer) -> None:
    (folder / "b.yaml").write_text(rule("two", "added"))
    becomes(server, "two", "added")
    (folder / "deep").mkdir()
    (folder / "deep" / "c.yaml").write_text(rule("three", "deep"))
    becomes(server, "three", "deep")
    (folder / "b.yaml").unlink()
    becomes(server, "two", "404")
    (folder / "a.yaml").rename(folder / "z.yaml")
    until(lambda: says(server, "one") == "first" and any("z.yaml:r" in line for line in server.out))
    shutil.rmtree(folder / "deep")
    becomes(server, "three", "404")
    assert says(server, "one") == "first"


@pytest.mark.full
def test_changed_body_file_is_served(folder: Path, server: ReloadingServer) -> None:
    (folder / "answer.md").write_text("from a file")
    (folder / "b.yaml").write_text(
        "mockllm: 1\nrules: [{name: r, match: {user: two}, reply: {text: {file: answer.md}}}]\n"
    )
    becomes(server, "two", "from a file")
    (folder / "answer.md").write_text("from a file, changed")
    becomes(server, "two", "from a file, changed")


@pytest.mark.full
def test_new_file_that_template_can_name_is_served(folder: Path, server: ReloadingServer) -> None:
    (folder / "texts").mkdir()
    (folder / "texts" / "one.md").write_text("a text")
    (folder / "b.yaml").write_text(
        "mockllm: 1\nrules: [{match: {user: [two, three]}, reply: {text: {file: 'texts/{{ user }}.md'}}}]\n"
    )
    becomes(server, "two", "400")
    (folder / "texts" / "two.md").write_text("a new text")
    becomes(server, "two", "a new text")


@pytest.mark.full
def test_new_folder_that_template_can_name_is_served(folder: Path, server: ReloadingServer) -> None:
    (folder / "texts" / "one").mkdir(parents=True)
    (folder / "texts" / "one" / "gpt-4o.md").write_text("a text")
    rule = "{match: {user: [two, three]}, reply: {text: {file: 'texts/{{ user }}/{{ model }}.md'}}}"
    (folder / "b.yaml").write_text(f"mockllm: 1\nrules: [{rule}]\n")
    becomes(server, "two", "400")
    (folder / "texts" / "two").mkdir()
    (folder / "texts" / "two" / "gpt-4o.md").write_text("a new text")
    becomes(server, "two", "a new text")


@pytest.mark.full
def test_missing_file_that_rule_names_reloads_when_written(folder: Path, server: ReloadingServer) -> None:
    (folder / "b.yaml").write_text("rules: [{match: {user: two}, reply: {text: {file: texts/late.md}}}]\n")
    server.line(lambda line: 'there is no file "texts/late.md"' in line)
    (folder / "texts").mkdir()
    (folder / "texts" / "late.md").write_text("late")
    becomes(server, "two", "late")


@pytest.mark.full
def test_swapped_config_map_is_served(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    map = ConfigMap(tmp_path / "scenarios")
    map.put(a=rule("one", "first"), b=rule("two", "first"))
    with ReloadingServer(map.folder) as server:
        assert says(server, "two") == "first"
        for text in ("second", "third", "fourth"):
            map.put(a=rule("one", text), b=rule("two", text))
            becomes(server, "one", text)
            becomes(server, "two", text)
        assert server.get("/health")["files"] == 2


# --- broken files --------------------------------------------------------------------------------


@pytest.mark.full
def test_broken_file_serves_last_good_version_beside_others(folder: Path, server: ReloadingServer) -> None:
    (folder / "b.yaml").write_text(rule("two", "first"))
    becomes(server, "two", "first")

    (folder / "a.yaml").write_text(rule("one", "broken").replace("match", "mtach"))
    until(lambda: stale(server))
    assert says(server, "one") == "first"
    ((file, reason),) = stale(server).items()
    assert file.endswith("a.yaml")
    assert 'a.yaml:3:15: rules[0].mtach: unknown key; did you mean "match"?' in reason
    assert server.get("/health")["status"] == "degraded"
    assert server.line(lambda line: line.endswith("a.yaml: its last good version is still in use"))
    assert server.line(lambda line: "a.yaml:3:15: rules[0].mtach: unknown key" in line)

    (folder / "b.yaml").write_text(rule("two", "second"))
    becomes(server, "two", "second")
    assert says(server, "one") == "first"
    assert list(stale(server)) == [file]

    (folder / "a.yaml").write_text(rule("one", "mended"))
    becomes(server, "one", "mended")
    assert stale(server) == {}
    assert server.get("/health")["status"] == "ok"


BROKEN = {
    "no YAML": "rules: [",
    "a wrong type": "mockllm: 1\nrules: 7\n",
    "a bad template": "mockllm: 1\nrules: [{name: r, reply: '{{ user'}]\n",
    "far too deep": "[" * 5000,
    "no text": "\x00",
}


@pytest.mark.full
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name, marks=() if name == "no YAML" else pytest.mark.full)
        for name, text in BROKEN.items()
    ],
)
def test_broken_file_serves_last_good_version(folder: Path, server: ReloadingServer, text: str) -> None:
    (folder / "a.yaml").write_text(text)
    until(lambda: stale(server), otherwise=lambda: server.reported)
    assert says(server, "one") == "first"
    (folder / "a.yaml").write_text(rule("one", "mended"))
    becomes(server, "one", "mended")


@pytest.mark.full
def test_file_touched_during_first_load_is_reloaded(folder: Path) -> None:
    os.utime(folder / "a.yaml", (time.time() + 60, time.time() + 60))
    with serving(cwd=folder.parent) as server:
        assert server.line(lambda line: line == "reloaded: 1 rule in 1 file")


@pytest.mark.full
def test_added_broken_file_is_left_out_until_corrected(folder: Path, server: ReloadingServer) -> None:
    (folder / "b.yaml").write_text("mockllm: 1\nrules: [{name: r}]\n")
    until(lambda: stale(server))
    assert says(server, "one") == "first"
    assert [each["left_out"] for each in server.get("/health")["stale"]] == [True]
    assert server.line(lambda line: line.endswith("b.yaml: left out until it is corrected"))
    assert server.line(lambda line: line == "reloaded: 1 rule in 1 file, 1 left out")
    (folder / "b.yaml").write_text(rule("two", "mended"))
    becomes(server, "two", "mended")
    assert stale(server) == {}


@pytest.mark.full
def test_deleted_body_file_serves_last_content(folder: Path, server: ReloadingServer) -> None:
    (folder / "answer.md").write_text("from a file")
    (folder / "b.yaml").write_text(
        "mockllm: 1\nrules: [{name: r, match: {user: two}, reply: {text: {file: answer.md}}}]\n"
    )
    becomes(server, "two", "from a file")
    (folder / "answer.md").unlink()
    until(lambda: stale(server))
    assert says(server, "two") == "from a file"
    (folder / "a.yaml").write_text(rule("one", "second"))
    becomes(server, "one", "second")
    assert says(server, "two") == "from a file"
    (folder / "answer.md").write_text("from a file, mended")
    becomes(server, "two", "from a file, mended")
    assert stale(server) == {}


# --- folders that go and come --------------------------------------------------------------------


@pytest.mark.parametrize("anew", [False, True], ids=["moved away and back", "removed and made anew"])
@pytest.mark.full
def test_missing_scenario_folder_serves_last_version(
    folder: Path, server: ReloadingServer, anew: bool
) -> None:
    (folder / "b.yaml").write_text(rule("two", "first"))
    becomes(server, "two", "first")
    folder.rename(folder.with_name("old"))
    until(lambda: stale(server))
    assert (says(server, "one"), says(server, "two")) == ("first", "first")
    ((file, reason),) = stale(server).items()
    assert reason.endswith("there is no such file or folder")
    assert server.line(lambda line: line == f"{file}: its last good version is still in use")
    if anew:
        shutil.rmtree(folder.with_name("old"))
        folder.mkdir()
        (folder / "a.yaml").write_text(rule("one", "anew"))
        becomes(server, "two", "404")
        assert says(server, "one") == "anew"
    else:
        folder.with_name("old").rename(folder)
    until(lambda: not stale(server))
    (folder / "a.yaml").write_text(rule("one", "second"))
    becomes(server, "one", "second")


@pytest.mark.full
def test_missing_used_pack_serves_last_version(folder: Path, server: ReloadingServer) -> None:
    pack = folder / "p"
    pack.mkdir()
    (pack / "pack.yaml").write_text('name: p\nversion: "1"\n')
    (pack / "b.yaml").write_text(rule("two", "packed"))
    (folder / "a.yaml").write_text("use: [./p]\n" + rule("one", "using"))
    becomes(server, "two", "packed")
    pack.rename(folder.with_name("old"))
    until(lambda: stale(server))
    (folder / "a.yaml").write_text("use: [./p]\n" + rule("one", "still using"))
    becomes(server, "one", "still using")
    assert says(server, "two") == "packed"
    folder.with_name("old").rename(pack)
    (pack / "b.yaml").write_text(rule("two", "mended"))
    becomes(server, "two", "mended")
    assert stale(server) == {}


# --- what lives on -------------------------------------------------------------------------------

SEQUENCE = "mockllm: 1\nrules:\n  - {name: s, match: {user: next}, sequence: [one, two, three, four]}\n"


@pytest.mark.full
def test_reload_preserves_counts_of_unchanged_rules_only(folder: Path, server: ReloadingServer) -> None:
    (folder / "s.yaml").write_text(SEQUENCE)
    becomes(server, "next", "one")
    (folder / "a.yaml").write_text(rule("one", "second"))
    becomes(server, "one", "second")
    assert says(server, "next") == "two"
    (folder / "s.yaml").write_text("# the rule itself is as it was\n" + SEQUENCE + "  - {reply: else}\n")
    becomes(server, "anything", "else")
    assert says(server, "next") == "three"
    (folder / "s.yaml").write_text(SEQUENCE.replace("[one,", "[ONE,"))
    becomes(server, "anything", "404")
    assert says(server, "next") == "ONE"


@pytest.mark.full
def test_requests_in_flight_finish_on_the_old_catalog(folder: Path, server: ReloadingServer) -> None:
    slow = (
        'mockllm: 1\nrules:\n  - {name: s, match: {user: slow}, reply: {chunks: [old, {wait: 3s}, " end"]}}\n'
    )
    (folder / "s.yaml").write_text(slow)
    until(lambda: server.get("/health")["files"] == 2)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "slow"}]}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        answer = connection.getresponse()
        reported = b""
        while b"old" not in reported:
            reported += answer.read1()
        (folder / "s.yaml").write_text(slow.replace("old", "new").replace("3s", "0s"))
        becomes(server, "slow", "new end")
        reported += answer.read()
    finally:
        connection.close()
    assert b" end" in reported
    assert reported.endswith(b"data: [DONE]\n\n")
