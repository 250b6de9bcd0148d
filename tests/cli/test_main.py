"""How every command ends."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mockllm.cli import main as cli


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)], ids=lambda item: str(item)
)
def test_main_interrupted_start_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], code: int
) -> None:
    def interrupted(name: str) -> None:
        raise raised

    monkeypatch.setattr("importlib.import_module", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve"])
    assert ended.value.code == code


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_main_signal_ends_starting_server(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(importlib, "import_module", lambda name: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve"])
    assert ended.value.code == code
    assert signal.getsignal(number) is before


INTERRUPTED = """
import os, runpy, signal, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may let its background ignore the signal
sys.meta_path.insert(0, Interrupt())
if sys.argv[2:]:
    runpy.run_module("mockllm", run_name="__main__")
else:
    from mockllm.cli.main import main
    main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="`os.kill` ends the process there")
@pytest.mark.parametrize("module", ["argparse", "mockllm.cli.startup"])
@pytest.mark.parametrize("form", [(), ("-m",)], ids=["mockllm", "python -m mockllm"])
def test_ctrl_c_during_first_imports_has_no_traceback(module: str, form: tuple[str, ...]) -> None:
    line = [sys.executable, "-c", INTERRUPTED, module, *form]
    done = subprocess.run(line, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("command", ["check", "explain", "test", "diff", "hash", "schema"])
def test_main_ctrl_c_ends_read_only_command(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(importlib, "import_module", lambda name: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(SystemExit) as ended:
        cli.main([command])
    assert ended.value.code == 130
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


IN_A_CALLBACK = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                os._exit(9)  # a C extension that imports a module may not expect an exception
signal.signal(signal.SIGINT, signal.default_int_handler if sys.argv[2] == "default" else signal.SIG_IGN)
sys.meta_path.insert(0, Interrupt())
from mockllm.cli.main import main
main(sys.argv[3:])
"""
STARTS = {
    "hunt": ("mockllm.cli.hunt", "hunt", "--help"),
    "import": ("mockllm.cli.importing", "import", "--help"),
    "exec": ("mockllm.cli.exec", "exec", "--help"),
    "pack build": ("mockllm.cli.pack_author", "pack", "build", "nowhere"),
    "pack list": ("mockllm.cli.pack_consumer", "pack", "list"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="`os.kill` ends the process there")
@pytest.mark.parametrize("line", STARTS.values(), ids=STARTS)
def test_ctrl_c_during_imports_raises_no_exception(line: tuple[str, ...], tmp_path: Path) -> None:
    for handler, code in (("default", {130}), ("ignored", {0, 1})):
        start = [sys.executable, "-c", IN_A_CALLBACK, line[0], handler, *line[1:]]
        done = subprocess.run(start, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode in code, done.stderr
        assert "Traceback" not in done.stderr


def test_ctrl_c_has_its_usual_effect_after_the_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "_exit", lambda code: pytest.fail("the command ends by itself"))
    monkeypatch.setattr("mockllm.cli.hunt.run", lambda args: os.kill(os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main(["hunt", "--", "true"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["srve"], 'mockllm: unknown command "srve"; did you mean "serve"?'),
        (["pack", "outdate"], 'mockllm pack: unknown command "outdate"; did you mean "outdated"?'),
        (["pack", "instal"], 'mockllm pack: unknown command "instal"; expected "new", "check", "test", '),
        (["dashboard"], 'mockllm: unknown command "dashboard"; expected "serve", "check", "explain", '),
        (["serve", "--pck", "a"], "mockllm serve: unknown option --pck; did you mean --pack?"),
        (["env", "--shell", "fish"], "mockllm env: unknown option --shell; `mockllm env --help` lists"),
        (["serve", "--hepl"], "mockllm serve: unknown option --hepl; did you mean --help?"),
        (["check", "--prot=80"], "mockllm check: unknown option --prot=80; `mockllm check --help` lists"),
        (["serve", "-p", "9000"], "mockllm serve: unknown option -p; did you mean --port?"),
        (["check", "-p", "9000"], "mockllm check: unknown option -p; `mockllm check --help` lists"),
        (["serve", "-x"], "mockllm serve: unknown option -x; `mockllm serve --help` lists"),
        (["serve", "9000"], 'mockllm serve: "9000" is not expected here; did you mean --port 9000?'),
        (["serve", "."], 'mockllm serve: "." is not expected here; did you mean --scenarios .?'),
        (
            ["serve", "s.yaml"],
            'mockllm serve: "s.yaml" is not expected here; did you mean --scenarios s.yaml?',
        ),
        (
            ["pack", "add", "--frozen", "x"],
            "mockllm pack add: unknown option --frozen; `mockllm pack add --help`",
        ),
        (["init", "a", "b"], 'mockllm init: "b" is not expected here; `mockllm init --help` lists'),
    ],
    ids=lambda item: " ".join(item) if isinstance(item, list) else "",
)
def test_main_unknown_argument_has_hint(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(text)


def test_main_without_arguments_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 2
    assert "find mistakes in scenarios" in capsys.readouterr().err


def test_pack_without_a_command_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["pack"])
    assert ended.value.code == 2
    assert "update packs to the newest versions that fit" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "ascii:surrogateescape"])
def test_text_that_the_terminal_cannot_encode_is_escaped(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mockllm", "hash", "--help"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "match: {hash: \\u2026}" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_main_closed_standard_streams_do_no_harm(closed: str) -> None:
    inner = f"'{sys.executable}' -c 'import socket, sys; sys.exit(socket.socket().fileno() < 3)'"
    command = f"exec '{sys.executable}' -m mockllm exec --port 0 -- {inner} {closed}"
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("arguments", [["schema", "scenario"], ["completion", "bash"], ["--version"]])
def test_main_closed_pipe_is_no_error(arguments: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = _run_into(writer, arguments, unbuffered)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_main_full_disk_is_one_line(unbuffered: str) -> None:
    done = _run_into(os.open("/dev/full", os.O_WRONLY), ["cookbook"], unbuffered)
    message = "mockllm: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, message)


def _run_into(output: int, arguments: list[str], unbuffered: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-m", "mockllm", *arguments],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(output)


@pytest.mark.parametrize("command", [["check"], ["serve", "--port", "0"], ["test"], ["pack", "list"]])
def test_deleted_working_folder_is_one_line(tmp_path: Path, command: list[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); from mockllm.cli.main import main; main({command!r})"
    # -P, as for the installed command: Python 3.13.0 itself fails to import from a deleted folder
    ended = subprocess.run([sys.executable, "-P", "-c", code], cwd=gone, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == "mockllm: the working folder does not exist any more"
    assert "Traceback" not in ended.stderr


def test_mistake_in_a_usual_working_folder_has_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise PermissionError("a mistake of ours")

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(PermissionError, match="a mistake of ours"):
        cli.main(["serve"])


def test_unreadable_working_folder_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> None:
        raise PermissionError("scenarios")

    monkeypatch.setattr("importlib.import_module", fail)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve"])
    assert (ended.value.code, capsys.readouterr().err) == (2, "mockllm: the working folder may not be read\n")
