"""`mockllm hunt`: the report, the files, the exit codes, the mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mockllm.cli.hunt import QuietHunt, ShownHunt
from mockllm.cli.progress_bar import ProgressBar
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.hunting.hunter import HuntWatch
from tests.cli.in_process import command
from tests.cli.terminal import Pipe
from tests.process import MOCKLLM, environment
from tests.waiting import PATIENCE, until

CLIENT = """
import json, os, sys, urllib.request
body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"content-type": "application/json"})
try:
    for line in urllib.request.urlopen(request, timeout=60):
        if line.startswith(b"data: {"):
            chunk = json.loads(line[6:])
            print(chunk["choices"][0]["delta"].get("content") or "", end="")
except OSError as error:
    print("told", error, file=sys.stderr)
    sys.exit(3)
"""
RULES = "rules: [{reply: one two three}]"
QUICK = ("--scenarios", "a.yaml", "--runs", "60", "--timeout", "100", "--jobs", "2", "--replays", "2")


@pytest.fixture
def client(tmp_path: Path) -> list[str]:
    (tmp_path / "client.py").write_text(CLIENT)
    (tmp_path / "a.yaml").write_text(RULES)
    return [sys.executable, "client.py"]


def test_hunt_reports_and_stores_a_finding(
    tmp_path: Path, client: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = (
        "--compare",
        "stdout",
        "--reported",
        "3",
        "--findings",
        "1",
        "--junit",
        "hunt.xml",
        "--out",
        "found",
    )
    ended = command("hunt", *QUICK, *line, "--", *client, cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("1. same_result: ")
    assert "written to found/no-space-same-result.yaml" in ended.stdout
    assert "finding: same_result by no_space, request 1 (2 of 2)" in ended.stderr
    assert command("test", "found/no-space-same-result.yaml", cwd=tmp_path).returncode == 0
    report = json.loads((tmp_path / "found/hunt.json").read_text())
    assert report["findings"][0]["file"] == "found/no-space-same-result.yaml"
    assert ET.parse(tmp_path / "hunt.xml").getroot().get("failures") == "1"
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "hunt.json",
        "no-space-same-result.yaml",
    ]


@pytest.mark.full
def test_hunt_of_good_client_succeeds(tmp_path: Path, client: list[str]) -> None:
    (tmp_path / "expectations.yaml").write_text(
        "expect: {no_space: ignore, empty_chunk: ignore, silence: ignore}"
    )
    line = (
        "--expectations",
        "expectations.yaml",
        "--json",
        "--quiet",
        "--reported",
        "3,1",
        "--runs",
        "20",
        "--keep-pace",
    )
    ended = command("hunt", *QUICK, *line, "--", *client, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert ended.stderr == ""
    assert json.loads(ended.stdout)["runs"] == 20


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ((), "hunt: expected a command after --"),
        (("--runs", "2", "--", "true"), "--runs: expected a whole number of at least 3, found '2'"),
        (("--runs", "many", "--", "true"), "--runs: expected a whole number, found 'many'"),
        (("--jobs", "0", "--", "true"), "--jobs: expected a whole number of at least 1, found '0'"),
        (("--replays", "0", "--", "true"), "--replays: expected a whole number of at least 1, found '0'"),
        (("--findings", "0", "--", "true"), "--findings: expected a whole number of at least 1, found '0'"),
        (("--time", "soon", "--", "true"), '--time: "soon" is not a duration'),
        (("--timeout", "0", "--", "true"), "--timeout: expected more than 0 seconds, found '0'"),
        (("--junit", "no/x.xml", "--", "true"), "--junit no/x.xml: there is no folder no"),
        (("--junit", ".", "--", "true"), "--junit .: this is a folder"),
        (("--reported", "x", "--", "true"), "--reported: expected exit codes, such as 3 or 3,4; found 'x'"),
        (("--expectations", "no.yaml", "--", "true"), "--expectations no.yaml: No such file or directory"),
        (
            ("--expectations", "bad.yaml", "--", "true"),
            "--expectations bad.yaml: expect.cuts: no row is called",
        ),
        (("--expectations", "broken.yaml", "--", "true"), "--expectations broken.yaml:1:"),
        (("--out", "a.yaml", "--", "true"), "--out a.yaml: "),
        (("--", "true"), "the command sent no request to the server"),
        (("--", "./missing"), "cannot run ./missing"),
        (("--compare", ".", "--", "true"), "mockllm: --compare .: this is a folder"),
        (("--side-effects", "$MOCKLLM_RUN_DIR", "--", "true"), "$MOCKLLM_RUN_DIR: this is a folder"),
        (("--compare", "a.yaml/x", "--", "true"), "mockllm: --compare a.yaml/x: Not a directory"),
        (
            ("--json", "a.json", "--", "ls"),
            "cannot run a.json: No such file or directory; the command follows --",
        ),
        (("--scenarios", "broken.yaml", "--", "true"), "1 mistake"),
    ],
)
def test_hunt_mistake_is_named(tmp_path: Path, line: tuple[str, ...], message: str) -> None:
    (tmp_path / "a.yaml").write_text(RULES)
    (tmp_path / "bad.yaml").write_text("expect: {cuts: report}")
    (tmp_path / "broken.yaml").write_text("expect: [}")
    ended = command("hunt", "--scenarios", "a.yaml", *line, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr


@pytest.mark.parametrize("option", ["--compare", "--side-effects"])
def test_hunt_of_a_file_that_is_not_written(tmp_path: Path, client: list[str], option: str) -> None:
    line = (option, "$MOCKLLM_RUN_DIR/out.txt", "--resume")
    ended = command("hunt", *QUICK, *line, "--", *client, cwd=tmp_path)
    assert ended.returncode == 2
    assert "the command does not write $MOCKLLM_RUN_DIR/out.txt: a file to check" in ended.stderr
    assert (
        "hunt has no interrupted hunt of this command and these scenarios: a new one begins" in ended.stderr
    )


def test_resumed_hunt_uses_runs_of_the_same_scenarios(tmp_path: Path, client: list[str]) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: {text: {file: text.txt}}}]")
    (tmp_path / "text.txt").write_text("one")
    line = ("hunt", *QUICK, "--compare", "$MOCKLLM_RUN_DIR/missing", "--resume", "--", *client)
    edits: list[tuple[str, str, str]] = [
        ("a.yaml", "rules: [{reply: {text: {file: text.txt}}}]", "a new one begins"),
        ("a.yaml", "rules: [{reply: {text: {file: text.txt}}}]  # a remark", "goes on with 2 stored runs"),
        ("text.txt", "two", "a new one begins"),
        ("a.yaml", RULES, "a new one begins"),
    ]
    for file, content, message in edits:
        (tmp_path / file).write_text(content)
        assert message in command(*line, cwd=tmp_path).stderr, content


def test_hunt_serves_packs_with_parameters(tmp_path: Path, client: list[str]) -> None:
    line = ("--pack", "default,weather", "--set", "weather.climate=calm", "--runs", "3", "--quiet")
    ended = command("hunt", *line, "--", *client, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_hunt_that_tries_nothing_does_not_pass(tmp_path: Path, client: list[str]) -> None:
    ended = command("hunt", *QUICK, "--time", "1us", "--quiet", "--", *client, cwd=tmp_path)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("mockllm: no disturbance was tried: the runs without disturbances took ")
    assert line.endswith(" s; give it more time, such as --time 1m")


@pytest.mark.full
def test_hunt_without_fitting_row_does_not_pass(tmp_path: Path, client: list[str]) -> None:
    rows = ", ".join(f"{name}: ignore" for name in DISTURBANCES)
    (tmp_path / "expectations.yaml").write_text(f"expect: {{{rows}}}")
    line = ("--expectations", "expectations.yaml", "--quiet", "--", *client)
    ended = command("hunt", *QUICK, *line, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("mockllm: no disturbance was tried: none fits the requests")


@pytest.mark.parametrize("watch", [QuietHunt(), ShownHunt(ProgressBar(Pipe(), "run"), 200)])
def test_ctrl_c_says_what_the_hunt_waits_for(watch: HuntWatch, capsys: pytest.CaptureFixture[str]) -> None:
    watch.interrupted(2)
    expected = "mockllm: interrupted: waits for 2 runs to end; Ctrl-C again ends them now\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_commands_of_a_hunt(
    tmp_path: Path, client: list[str], number: signal.Signals
) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "begun").mkdir()
    waits = """
import time
open(f"begun/{os.getpid()}", "w").close()
if len(os.listdir("begun")) > 2:
    time.sleep(PATIENCE)
""".replace("PATIENCE", f"{PATIENCE:g}")
    (tmp_path / "client.py").write_text(CLIENT + waits)
    before = signal.signal(number, signal.SIG_DFL)
    process = subprocess.Popen(
        [*MOCKLLM, "hunt", *QUICK, "--quiet", "--", *client],
        cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8",
        env=environment(PYTHONPATH=str(Path(__file__).parents[2]), TMPDIR=str(tmp_path / "temporary")),
    )  # fmt: skip
    signal.signal(number, before)
    until(lambda: len(list((tmp_path / "begun").iterdir())) == 4)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert err == f"mockllm: ended by {number.name}; the same command with --resume goes on\n"
    for path in (tmp_path / "begun").iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)
    assert list((tmp_path / "temporary").iterdir()) == []
