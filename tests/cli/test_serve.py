"""`mockllm serve` as a person runs it: what it says, what it listens on, and how it does not begin."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.in_process import command as command_here
from tests.process import Process, command, serving, without_dashboard
from tests.waiting import PATIENCE

SCENARIO = """mockllm: 1
rules:
  - name: greeting
    match: {user: hello}
    reply: Hi there.
"""
IPV6 = socket.has_ipv6 and Path("/proc/net/if_inet6").is_file() and Path("/proc/net/if_inet6").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO)
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One server for the tests that look for a line of their own."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "a.yaml").write_text(SCENARIO)
    with serving(cwd=folder) as server:
        yield server


# --- what it says --------------------------------------------------------------------------------


@pytest.mark.full
def test_serve_ready_lines_show_base_urls(folder: Path) -> None:
    with serving(cwd=folder) as server:
        server.line(lambda line: "Journal:" in line)
        first, *bases, hint, journal = server.out
        assert re.fullmatch(r"mockllm \S+: 1 rule in 1 file, listening on http://localhost:\d+", first)
        url = f"http://localhost:{server.port}"
        assert [line.split() for line in bases] == [
            ["OpenAI:", "base_url", "=", f"{url}/v1"],
            ["Anthropic:", "base_url", "=", url],
            ["Gemini:", "base_url", "=", url],
            ["Amazon", "Bedrock:", "base_url", "=", url],
            ["Dashboard:", f"{url}/dashboard"],
        ]
        assert "opens it to containers" in hint
        assert journal.split()[:4] == ["Journal:", "the", "last", "1000"]
        assert server.err == []


def test_ready_line_counts_rules_of_packs_separately(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("use: [default]\n" + SCENARIO)
    with serving(cwd=tmp_path) as server:
        assert re.match(
            r"mockllm \S+: 1 rule in 1 file, \d+ rules in packs, listening on http", server.out[0]
        )


def test_serve_ready_lines_show_findings(folder: Path) -> None:
    for name in ("cut", "crlf"):
        text = f"finding: {name}\nmodifiers: [{{faults: [close]}}]"
        (folder / "scenarios" / f"{name}.yaml").write_text(text)
    with serving(cwd=folder) as server:
        server.line(lambda line: "Journal:" in line)
        url = f"http://localhost:{server.port}/s/NAME/v1"
        place = server.out.index(f"  Findings of hunts, each in the session of its name (base_url = {url}):")
        assert server.out[place + 1] == "    crlf, cut"


@pytest.mark.parametrize(
    "folders", ["", "scenarios", "scenarios/pack"], ids=["no folder", "empty", "packs only"]
)
@pytest.mark.covering(count=1)
def test_without_scenarios_it_serves_the_default_pack(tmp_path: Path, folders: str) -> None:
    (tmp_path / folders).mkdir(parents=True, exist_ok=True)
    if folders.endswith("pack"):
        (tmp_path / folders / "pack.yaml").write_text("name: pack\nversion: '1'\n")
        (tmp_path / folders / "rules.yaml").write_text(SCENARIO)
    with serving(cwd=tmp_path) as server:
        assert server.ask(model="anything")
        assert server.line(lambda line: "default/answers.yaml:made" in line)
        text = "No scenario files in ./scenarios; serving the pack `default`. `mockllm init` writes"
        if folders.endswith("pack"):
            text = "Only packs in ./scenarios; serving the pack `default`. `--pack NAME` serves another one."
        assert server.line(lambda line: text in line)


@pytest.mark.covering(count=1)
def test_scenarios_replace_the_default_pack_when_they_come(tmp_path: Path) -> None:
    """A beginner starts the server before the folder exists."""
    with serving(cwd=tmp_path) as server:
        server.line(lambda line: "serving the pack `default`" in line)
        (tmp_path / "scenarios").mkdir()
        (tmp_path / "scenarios" / "a.yaml").write_text("rules: [{name: own, reply: Mine.}]")
        server.line(lambda line: "reloaded: 1 rule in 1 file" in line)
        assert server.ask(model="anything") == "Mine."


def test_no_default_serves_no_rules(folder: Path) -> None:
    (folder / "mockllm.lock").write_text("no lockfile: [")
    with serving("--no-default", cwd=folder) as server:
        assert server.line(lambda line: ": 0 rules in 0 files, listening on" in line)
        assert "serving the pack" not in server.reported


@pytest.mark.full
def test_serve_warns_of_misnamed_file_alone(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "A.YAML").write_text(SCENARIO)
    with serving(cwd=tmp_path) as server:
        server.line(lambda line: "warning: scenarios/A.YAML: not loaded: the name of a scenario file" in line)


def test_serve_folder_without_rules_warns(tmp_path: Path) -> None:
    with serving("--scenarios", ".", cwd=tmp_path) as server:
        assert server.line(lambda line: line.startswith("warning: no rule is loaded, so every request"))
        assert "mockllm init" not in server.reported


@pytest.mark.full
@pytest.mark.parametrize("option", [(), ("--no-reload",)], ids=["watched", "not watched"])
@pytest.mark.covering(count=1)
def test_serve_prints_lint_warnings_after_start(option: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules:\n- {reply: A.}\n- {reply: B.}\n")
    with serving("--scenarios", "a.yaml", *option, cwd=tmp_path) as server:
        assert server.line(lambda line: line.startswith("warning: a.yaml:3:3: rules[1]: can never respond"))
        assert server.ask("hello")


def test_serve_prints_line_for_each_request(shared: Process) -> None:
    shared.ask("hello", model="gpt-4o-line")
    line = shared.line(lambda line: " gpt-4o-line " in line)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d POST /v1/chat/completions gpt-4o-line → a\.yaml:greeting 200 [\d.]+m?s", line
    )


def test_serve_log_highlights_unmatched_request(shared: Process) -> None:
    with pytest.raises(Exception, match="404"):
        shared.ask("something else", model="unmatched")
    assert "no rule matched 404" in shared.line(lambda line: " unmatched " in line)


@pytest.mark.full
def test_serve_log_names_nearest_rule_and_miss_status(folder: Path) -> None:
    with serving("--miss-status", "422", cwd=folder) as server:
        with pytest.raises(Exception, match="422"):
            server.ask("something else")
        assert "no rule matched 422" in server.line(lambda line: "POST" in line)
        near_miss = server.line(lambda line: line.startswith("  ") and "greeting: " in line)
        assert 'found "something else"' in near_miss


@pytest.mark.full
def test_serve_strict_fails_for_unmatched_request(folder: Path) -> None:
    with serving("--strict", cwd=folder) as server:
        with pytest.raises(Exception, match="404"):
            server.ask("something else")
        assert "→ error: no rule matched 404" in server.line(lambda line: "POST" in line)


@pytest.mark.full
def test_serve_line_of_refusal_has_reason(tmp_path: Path) -> None:
    claude = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "x"}]}
    gpt = {"model": "gpt-4o", "messages": claude["messages"]}
    large = {**gpt, "user": "x" * 3000}
    with serving("--pack", "default", "--max-body", "2000", cwd=tmp_path) as server:
        for path, body in (("messages", claude), ("chat/completions?delay=abc", gpt), ("responses", large)):
            with pytest.raises(Exception, match=r"4(00|13)"):
                server.post(f"/v1/{path}", body)
        invalid, unfit, refused = (
            server.line(lambda line, path=path: path in line)  # type: ignore[misc]
            for path in ("/messages", "/chat", "/responses")
        )
    assert re.search(r"→ - 400 [\d.]+m?s  \[invalid: max_tokens: Field required\]", invalid)
    assert re.search(r"→ - 400 [\d.]+m?s  \[The query parameter 'delay' does not fit: .*abc", unfit)
    assert re.search(r"→ - 413 [\d.]+m?s  \[.*larger.*\]", refused)


def test_serve_log_escapes_control_characters(shared: Process) -> None:
    shared.ask("hello", model="gpt\n00:00:00 \x1b[31mforged")
    line = shared.line(lambda line: "forged" in line)
    assert "\\n00:00:00 \\x1b[31mforged" in line


@pytest.mark.full
def test_serve_log_notes_fault_without_chunk(tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    with serving("--pack", "request-controls", cwd=tmp_path) as server:
        server.post("/v1/chat/completions?fail_chunk=2", body)
        line = server.line(lambda line: "POST" in line)
    assert "malformed not applied" in line
    assert "200" in line


@pytest.mark.full
def test_quiet_has_no_line_for_a_request(folder: Path) -> None:
    with serving("--quiet", cwd=folder) as server:
        server.ask("hello")
        server.send(signal.SIGTERM)
        assert server.ended() == 0
        assert not any("POST" in line for line in server.out)


@pytest.mark.full
def test_verbose_names_the_modifiers_and_the_hash(tmp_path: Path) -> None:
    with serving("--pack", "default", "--verbose", cwd=tmp_path) as server:
        server.ask()
        line = server.line(lambda line: "POST" in line)
        assert re.search(
            r"\[.*modifiers: default/answers.yaml:pace; seed: 0; hash: [0-9a-f]{64}; older hash: [0-9a-f]{64}\]",
            line,
        )


def test_verbose_log_shows_body_without_keys_and_hashes(tmp_path: Path) -> None:
    key = "sk-" + "a1B2" * 8
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"mine is {key}"}], "api_key": key}
    (tmp_path / "asked.json").write_text(json.dumps({"path": "/v1/chat/completions", "body": body}))
    ports = command_here("hash", "asked.json", cwd=tmp_path).stdout
    with serving("--pack", "default", "--verbose", cwd=tmp_path) as server:
        server.post(f"/v1/chat/completions?key={key}", body)
        line = server.line(lambda line: "POST /v1/chat" in line)
        actual = server.line(lambda line: line.startswith("  {"))
    responses = ports.splitlines()
    hash, older, built_from = (
        responses[0].split()[-1],
        responses[1].split()[-1],
        responses[2].removeprefix("made of").strip(),
    )
    assert f"hash: {hash}; older hash: {older}" in line
    assert actual.strip() == built_from
    assert json.loads(actual)["body"]["messages"][0]["content"] == "mine is REDACTED"
    assert key not in server.reported + ports


def test_serve_health_shows_loaded_rules(shared: Process) -> None:
    report = shared.get("/health")
    assert (report["status"], report["rules"], report["files"], report["stale"]) == ("ok", 1, 1, [])


def test_head_is_get_without_a_body(shared: Process) -> None:
    for path in ("/v1/models", "/v1/models/gpt-4o", "/v1beta/models", "/health", "/"):
        responses = []
        for method in ("GET", "HEAD"):
            connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=PATIENCE)
            connection.request(method, path)
            response = connection.getresponse()
            responses.append((response.status, response.headers["content-type"], bool(response.read())))
            connection.close()
        status, kind, _ = responses[0]
        assert responses == [(status, kind, True), (status, kind, False)], path


# --- where it listens ----------------------------------------------------------------------------


def test_localhost_is_both_loopback_addresses(shared: Process) -> None:
    socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE).close()
    if IPV6:
        socket.create_connection(("::1", shared.port), timeout=PATIENCE).close()


@pytest.mark.full
def test_all_addresses_need_no_hint(folder: Path) -> None:
    with serving("--host", "0.0.0.0", cwd=folder) as server:
        server.line(lambda line: "Anthropic" in line)
        assert server.ask("hello") == "Hi there."
        server.send(signal.SIGTERM)
        server.ended()
        assert not any("opens it" in line for line in server.out)


@pytest.mark.full
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.covering(count=1)
def test_ready_line_for_any_address_shows_usable_url(folder: Path, host: str) -> None:
    if host == "::" and not IPV6:
        pytest.skip("there is no IPv6")
    with serving("--host", host, cwd=folder) as server:
        line = server.line(lambda line: "other machines" in line)
        pasted = [line.partition(" = ")[2] for line in server.out if "base_url" in line]
    url = f"http://localhost:{server.port}"
    assert pasted == [f"{url}/v1", *[url] * 3]
    assert f"http://{socket.gethostname()}:{server.port}" in line


@pytest.mark.full
def test_listen_takes_the_place_of_host_and_port(folder: Path) -> None:
    with serving("-l", "127.0.0.1:0", "-l", "127.0.0.1:0", cwd=folder) as server:
        line = server.line(lambda line: "listening on" in line)
        one, two = re.findall(r"http://127\.0\.0\.1:(\d+)", line)
        assert one != two
        for port in (one, two):
            socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE).close()


@pytest.mark.parametrize(("option", "place"), [("--port", ""), ("--listen", "127.0.0.1:")])
def test_serve_with_port_in_use_prints_one_line(folder: Path, option: str, place: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("serve", option, f"{place}{port}", cwd=folder)
    assert done.returncode == 1
    assert without_dashboard(done.stderr.splitlines()) == [
        f"mockllm: port {port} is in use; choose another with {option} (0 takes a free one)"
    ]
    assert done.stdout == ""


# --- how it does not begin -----------------------------------------------------------------------


def test_all_mistakes_of_all_files_are_listed(folder: Path) -> None:
    (folder / "scenarios" / "b.yaml").write_text(
        "mockllm: 1\nrules: [{name: r, match: {modle: x}, reply: y}]\n"
    )
    (folder / "scenarios" / "c.yaml").write_text(
        "mockllm: 1\nrules:\n  - {name: r, reply: x, error: y}\n  - 7\n"
    )
    done = command_here("serve", "--port", "0", cwd=folder)
    assert done.returncode == 2
    assert 'b.yaml:2:27: rules[0].match.modle: unknown key; did you mean "model"?' in done.stderr
    assert len(re.findall(r"(?m)^scenarios/c\.yaml:\d", done.stderr)) >= 2
    assert "listening" not in done.stdout
    assert "Traceback" not in done.stderr


def test_serve_missing_folder_is_reported(tmp_path: Path) -> None:
    done = command_here("serve", "--port", "0", "--scenarios", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_unknown_pack_is_reported(tmp_path: Path) -> None:
    done = command_here("serve", "--port", "0", "--pack", "defualt", cwd=tmp_path)
    assert done.returncode == 2
    assert 'did you mean "default"?' in done.stderr


@pytest.mark.full
def test_serve_ignores_mistakes_in_examples(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mockllm: 1\nrules: [{reply: Hi.}]\nexamples: [{modle: x}]\n")
    assert command_here("check", "a.yaml", cwd=tmp_path).returncode == 1
    with serving("--scenarios", "a.yaml", cwd=tmp_path) as server:
        assert server.ask() == "Hi."


@pytest.mark.full
def test_serve_start_imports_needed_modules_only(tmp_path: Path) -> None:
    late = "difflib jsonschema_rs multiprocessing rich watchfiles"
    late += " mockllm.scenario.example_entries mockllm.scenario.yaml_errors"
    program = "import sys, mockllm.cli.serve, mockllm.scenario.yaml_nodes\n"
    program += f"print(set('{late}'.split()) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "set()\n", done.stderr
