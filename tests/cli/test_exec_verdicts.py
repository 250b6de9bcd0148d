"""`mockllm exec --verdicts` prints and writes how the command behaved as a client, and fails it."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mockllm.cli.main import main

ASK = """
import os, sys, urllib.error, urllib.request
for _ in range(int(sys.argv[1])):
    try:
        with urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/chat/completions", b'{"model": "m"}', 10):
            pass
    except urllib.error.HTTPError as error:
        error.close()
sys.exit(int(sys.argv[2]))
"""


def run(folder: Path, rules: str, tries: int, code: int, *options: str) -> object:
    (folder / "a.yaml").write_text(f"validation: off\nrules: [{rules}]")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "exec",
                "--scenarios",
                str(folder),
                *options,
                "--",
                sys.executable,
                "-c",
                ASK,
                str(tries),
                str(code),
            ]
        )
    return ended.value.code


BUSY = "{error: {type: overloaded}}"


@pytest.mark.parametrize(
    ("rules", "tries", "code", "options", "ends"),
    [
        (BUSY, 4, 0, ["--verdicts"], 1),
        (BUSY, 4, 7, ["--verdicts"], 7),
        (BUSY, 4, 0, [], 0),
        ("{reply: Hi}", 1, 0, ["--verdicts"], 0),
        (BUSY, 4, 3, ["--verdicts", "--reported", "3"], 1),
    ],
    ids=["bad", "bad, and it has failed itself", "nobody asks for verdicts", "good", "reported, but bad"],
)
def test_exec_verdicts_set_exit_code(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    rules: str,
    tries: int,
    code: int,
    options: list[str],
    ends: int,
) -> None:
    assert run(tmp_path, rules, tries, code, *options) == ends
    output = capfd.readouterr().err
    assert ("BAD  no_backoff" in output) == (bool(options) and tries > 1)
    assert ("  no verdict\n" in output) == (tries == 1)


def test_exec_giving_up_and_saying_so_is_good(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, BUSY, 1, 3, "--verdicts", "--reported", "3") == 0
    assert "gave_up" in capfd.readouterr().err
    assert run(tmp_path, BUSY, 1, 0, "--verdicts", "--reported", "3") == 1


def test_exec_junit_is_written_without_failure(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.xml"
    assert run(tmp_path, BUSY, 4, 0, "--junit", str(file)) == 0
    assert ET.parse(file).getroot().get("failures") == "1"
