"""docs/hunting.md: its tables are those of the code, and its walk from a passing test to a regression test."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import pytest

from mockllm.cli import hunt as hunt_command
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.expectation_file import expectations
from mockllm.core.hunting.judgement import EXPECTED_BAD, RULES
from mockllm.scenario.yaml_reader import read_source
from tests.process import command, environment
from tests.testing.inner_runs import PLUGINS, run_inside

pytest_plugins = ["pytester"]

FILE = Path(__file__).parents[2] / "docs/hunting.md"
PAGE = FILE.read_text(encoding="utf-8")
END = "<!-- end -->"
BLOCKS = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
MENDED = (
    ("import json\n", "import codecs\nimport json\n"),
    ('        rest = ""\n', '        rest, decoder = "", codecs.getincrementaldecoder("utf-8")()\n'),
    (
        'while data := response.read1().decode("utf-8", "replace"):\n',
        "while data := response.read1():\n",
    ),
    ("(rest + data)", "(rest + decoder.decode(data))"),
)


BROKEN = "\ufffd\ufffd"
"""A character of two bytes whose bytes were decoded one by one."""


def _repaired(line: str) -> str:
    for broken, whole in (("Zw{}lf", "ö"), ("Boxk{}mpfer", "ä"), ("{}ber", "ü")):
        line = line.replace(broken.format(BROKEN), broken.format(whole))
    return line


def section(name: str) -> tuple[str, str]:
    """The text before the generated part of this name, and the part."""
    before, mark, rest = PAGE.partition(f"<!-- {name}: made from ")
    line, _, rest = rest.partition("\n")
    return f"{before}{mark}{line}\n", rest.partition(END)[0]


def disturbance_table() -> str:
    rows = ["| row | the server … | a good client |", "|---|---|---|"]
    rows += [f"| `{row.name}` | {row.says} | {row.expect} |" for row in DISTURBANCES.values()]
    return "\n".join(rows) + "\n"


def rules_table() -> str:
    rows = [f"| `{name}` | {rule} |" for name, rule in RULES.items()]
    return "\n".join(["| rule | |", "|---|---|", *rows]) + "\n"


@pytest.mark.parametrize(("name", "table"), [("rules", rules_table()), ("table", disturbance_table())])
def test_table_of_page_is_that_of_the_code(name: str, table: str) -> None:
    """MOCKLLM_UPDATE_DOCS=1 writes it anew; look at the diff before it is committed."""
    before, documented = section(name)
    if os.environ.get("MOCKLLM_UPDATE_DOCS"):
        text = FILE.read_text(encoding="utf-8")
        start = text.index(before.rpartition("<!-- ")[2]) + len(before.rpartition("<!-- ")[2])
        FILE.write_text(text[:start] + table + text[text.index(END, start) :], encoding="utf-8")
        documented = table
    assert documented == table


def test_page_names_all_options() -> None:
    parser = argparse.ArgumentParser()
    hunt_command.arguments(parser)
    own = {text for action in parser._actions for text in action.option_strings if text.startswith("--")}
    general = {"--help", "--scenarios", "--pack", "--set", "--frozen", "--out"}
    missing = [name for name in own - general if name not in PAGE]
    assert missing == []


def test_page_names_verdicts_that_are_no_findings() -> None:
    for name in EXPECTED_BAD:
        assert f"`{name}`" in PAGE


def test_disturbance_types_file_of_page_is_valid() -> None:
    assert expectations(read_source(BLOCKS["expectations.yaml"], "expectations.yaml").data) == {
        "refusal": "ignore",
        "server_error": "report",
    }


def test_function_of_page_is_hunted(capsys: pytest.CaptureFixture[str]) -> None:
    exec(BLOCKS["hunt_function.py"], {})
    assert capsys.readouterr().out == "12 []\n"


def test_test_of_page_is_hunted(pytester: pytest.Pytester) -> None:
    (pytester.path / "scenarios").mkdir()
    for name in ("scenarios/hi.yaml", "test_hunted.py"):
        (pytester.path / name).write_text(BLOCKS[name], encoding="utf-8")
    run_inside(pytester, *PLUGINS, "test_hunted.py").assert_outcomes(passed=1)


@pytest.mark.timeout(300)
@pytest.mark.full
def test_page_leads_from_a_passing_test_to_a_regression_test(pytester: pytest.Pytester) -> None:
    folder = pytester.path
    (folder / "scenarios").mkdir()
    for name in ("chat.py", "scenarios/hi.yaml", "test_chat.py"):
        (folder / name).write_text(BLOCKS[name], encoding="utf-8")
    python = sys.executable
    passing = command("exec", "--scenarios", "scenarios", "--", python, "chat.py", cwd=folder)
    assert (passing.returncode, passing.stdout.startswith("Zwölf Box")) == (0, True), passing.stderr

    line = ("--scenarios", "scenarios", "--compare", "stdout", "--reported", "3", "--findings", "1")
    hunted = command("hunt", *line, "--", python, "chat.py", cwd=folder)
    report = re.search(r"```\n(1\. same_result: .*?)```", PAGE, re.DOTALL)
    assert report is not None
    # runs in parallel decide which other rows have failed before the first finding ends the hunt
    shown = [line for line in hunted.stdout.splitlines() if not line.startswith(("   |", "   also by"))]
    documented = [line for line in report[1].splitlines() if not line.startswith(("   |", "   also by"))]
    assert BROKEN in shown[0]
    # a client on a busy machine reads some of the divided characters at once
    shown[0], documented[0] = _repaired(shown[0]), _repaired(documented[0])
    assert shown[: len(documented)] == documented
    assert hunted.returncode == 1

    kept = "hunt/split-character-same-result.yaml"
    replayed = command("exec", "--scenarios", kept, "--", python, "chat.py", cwd=folder)
    assert BROKEN in replayed.stdout
    assert command("test", kept, cwd=folder).returncode == 0
    more = command("hunt", *line[:-1], "3", "--", python, "chat.py", cwd=folder)
    files = sorted(path.name for path in (folder / "hunt").glob("*.yaml"))
    assert len(files) == 3, more.stdout
    assert command("test", "hunt", cwd=folder).stdout.endswith("3 passed\n")

    for name, value in environment().items():
        os.environ.setdefault(name, value)
    run_inside(pytester, *PLUGINS, "test_chat.py").assert_outcomes(failed=1)
    code = BLOCKS["chat.py"]
    for broken, mended in MENDED:
        assert broken in code
        code = code.replace(broken, mended)
    (folder / "chat.py").write_text(code, encoding="utf-8")
    run_inside(pytester, *PLUGINS, "test_chat.py").assert_outcomes(passed=1)
