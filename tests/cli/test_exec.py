"""`mockllm exec`: what the command finds, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import main
from tests.process import MOCKLLM, environment
from tests.waiting import PATIENCE

HELLO = "rules: [{match: {model: known}, reply: Hello.}]"
ASK = """
import json, os, sys, urllib.error, urllib.request
def ask(model, base=os.environ["OPENAI_BASE_URL"]):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    try:
        with urllib.request.urlopen(base + "/chat/completions", body, 10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MOCKLLM_"):
            monkeypatch.delenv(name)
    Path("scenarios").mkdir()
    Path("scenarios/hello.yaml").write_text(HELLO)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path
    assert {number: signal.getsignal(number) for number in handlers} == handlers, "as they were before"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["exec", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", ASK + code]


def test_exec_command_finds_server_by_environment() -> None:
    code = """
assert ask("known") == 200
assert ask("known", os.environ["MOCKLLM_BASE_URL"] + "/s/one/v1") == 200
names = ("ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL")
assert {os.environ[name] for name in names} == {os.environ["MOCKLLM_BASE_URL"]}
assert {os.environ[name] for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")} == {"mockllm"}
"""
    assert run(*python(code)) == 0


@pytest.mark.parametrize("code", [0, 1, 7])
def test_exec_returns_exit_code_of_command(code: int) -> None:
    assert run(*python(f"sys.exit({code})")) == code


def test_exec_after_signal_returns_shell_exit_code() -> None:
    assert run(*python("os.kill(os.getpid(), 9)")) == 128 + 9


def test_exec_unmatched_request_is_reported_and_fails_if_strict(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(*python("assert ask('other') == 404")) == 0
    output = capfd.readouterr().err
    assert "POST /v1/chat/completions other → no rule matched 404" in output
    assert '\n  scenarios/hello.yaml:1 rules[0]: model expected "known", found "other"\n' in output
    assert "mockllm: 1 unmatched request" in output
    assert run("--strict", *python("ask('other'); ask('another')")) == 1
    assert "mockllm: 2 unmatched requests" in capfd.readouterr().err
    assert run("--strict", *python("ask('other'); sys.exit(7)")) == 7
    assert run("--strict", *python("ask('known')")) == 0


def test_exec_verbose_prints_each_request_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("--verbose", *python("ask('known'); ask('other')")) == 0
    output = capfd.readouterr().err
    assert output.count("hello.yaml:rules[0] 200") == 1
    assert output.count("no rule matched") == 1


@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_exec_verbose_prints_the_beginning_of_a_hold(
    options: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    Path("scenarios/hello.yaml").write_text("rules: [{reply: Hi, hold: {name: gate, at_most: 1ms}}]")
    assert run(*options, *python("ask('known')")) == 0
    waits = 'waits for "gate": POST /api/release/gate, at most 0.001s\n'
    assert (waits in capfd.readouterr().err) == bool(options)


def test_exec_accepts_options_of_serve(capfd: pytest.CaptureFixture[str]) -> None:
    Path("other.yaml").write_text("rules: [{match: {model: other}, reply: Hi.}]")
    code = "assert (ask('other'), ask('rate-limit-error')) == (200, 429)"
    assert (
        run("--scenarios", "other.yaml", "--pack", "error-models", "--max-body", "1000", *python(code)) == 0
    )


def test_exec_listens_on_port_option() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert run("--port", str(port), *python(f"assert ask('known', 'http://127.0.0.1:{port}/v1') == 200")) == 0


def test_exec_port_in_use_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run("--port", str(taken.getsockname()[1]), *python("pass")) == 1
    assert "is in use" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "expected a command after --"),
        (("--",), 2, "expected a command after --"),
        (("--", "no-such-command"), 127, "cannot run no-such-command: No such file or directory"),
        (("a.json", "--", "ls"), 127, "cannot run a.json: No such file or directory; the command follows --"),
        (("--", "./scenarios"), 126, "cannot run ./scenarios: Permission denied"),
        (("--pck", "default", "--", "true"), 2, "unknown option --pck; did you mean --pack?"),
    ],
    ids=[
        "nothing",
        "nothing behind --",
        "no such command",
        "a word before --",
        "a folder",
        "an unknown option",
    ],
)
def test_exec_invalid_command_is_reported(
    arguments: tuple[str, ...], code: int, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == code
    assert expected in capfd.readouterr().err


def test_exec_with_mistakes_runs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    Path("scenarios/hello.yaml").write_text("rules: [{repy: Hi}]")
    assert run(*python("print('ran')")) == 2
    output = capfd.readouterr()
    assert "hello.yaml:1:10: rules[0].repy" in output.err
    assert "ran" not in output.out


def test_exec_prints_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    Path("scenarios/hello.yaml").write_text("rules: [{reply: Hi}, {reply: never}]")
    assert run(*python("pass")) == 0
    assert "mockllm: warning: scenarios/hello.yaml:1" in capfd.readouterr().err


def test_exec_with_several_findings_names_the_way_to_one(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("cut", "crlf"):
        Path(f"scenarios/{name}.yaml").write_text(f"finding: {name}\nmodifiers: [{{faults: [close]}}]")
    assert run(*python("pass")) == 0
    assert "2 findings of hunts are loaded" in capfd.readouterr().err


def test_exec_passes_options_after_dashes(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--strict", "--", "-x") == 0
    assert capfd.readouterr().out == "['--strict', '--', '-x']\n"


def signalled(number: int, *line: str, inherited: signal.Handlers = signal.SIG_DFL) -> tuple[str, int]:
    """Start `exec`, send a signal when its command is ready, and return the command's output and the exit code."""
    before = signal.signal(number, inherited)
    process = subprocess.Popen(
        [*MOCKLLM, "exec", *line], env=environment(PYTHONPATH=str(Path(__file__).parents[2])),
        stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    signal.signal(number, before)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        return process.stdout.read(), process.wait(PATIENCE)


CLEANS_UP = """
import os, signal, sys, time
def ended(*_):
    os.write(1, b"cleaned up\\n")
    sys.exit(3)
signal.signal({number:d}, ended)
os.write(1, b"ready\\n")
time.sleep(30)
"""
"""A program that cleans up on a signal."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_exec_forwards_signals_and_waits(number: int) -> None:
    assert signalled(number, *python(CLEANS_UP.format(number=number))) == ("cleaned up\n", 3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_exec_with_timeout_forwards_signals_to_children(number: int) -> None:
    child = CLEANS_UP.format(number=number)
    code = f"""
import signal, subprocess
signal.signal({number:d}, signal.SIG_IGN)
sys.exit(subprocess.run([sys.executable, "-c", {child!r}]).returncode)
"""
    assert signalled(number, "--timeout", "600s", *python(code)) == ("cleaned up\n", 3)


def test_exec_ignores_a_signal_that_its_caller_ignores() -> None:
    code = "import time; os.write(1, b'ready\\n'); time.sleep(1); os.write(1, b'done\\n')"
    assert signalled(signal.SIGHUP, *python(code), inherited=signal.SIG_IGN) == (
        "done\n",
        0,
    )  # as of nohup(1)


def test_exec_reported_code_is_success() -> None:
    assert run("--reported", "3,4", *python("sys.exit(4)")) == 0
    assert run("--reported", "3,4", *python("sys.exit(1)")) == 1


def test_exec_ends_a_command_at_its_timeout(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    assert run("--timeout", "1s", *python(code)) == 124
    assert "mockllm: the command had not ended after 1 s" in capfd.readouterr().err


def test_exec_kills_a_command_that_ignores_the_end() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    assert run("--timeout", "1s", *python(code)) == 124


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--timeout", "0", "expected more than 0 seconds, found '0'"),
        ("--timeout", "soon", '"soon" is not a duration'),
        ("--reported", "3,x", "expected exit codes, such as 3 or 3,4; found '3,x'"),
        ("--reported", "-1", "expected exit codes, such as 3 or 3,4; found '-1'"),
    ],
)
def test_exec_bad_bound_is_named(
    option: str, value: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{option}={value}", *python("")) == 2
    assert message in capfd.readouterr().err


def test_exec_command_has_a_folder_of_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "folder = os.environ['MOCKLLM_RUN_DIR']; assert os.path.isdir(folder) and not os.listdir(folder)"
    assert run(*python(folder)) == 0
    monkeypatch.setenv("MOCKLLM_RUN_DIR", str(tmp_path / "mine"))
    assert run(*python(f"assert os.environ['MOCKLLM_RUN_DIR'] == {str(tmp_path / 'mine')!r}")) == 0
