"""The tutorials and other pages with commands print what they show, typed in order into an empty folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from mockllm.cli.completion import all_commands
from mockllm.server.control.routes import ROUTES
from tests.cli.in_process import command
from tests.clients.installed_project import LONGEST, ROOT, copied, run
from tests.docs.page_runner import PageRunner, compare, steps
from tests.tools import require


@pytest.mark.full  # each command starts a process, and most import an SDK
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("page", "commands", "failing"),
    [
        ("tutorial.md", 9, ['python ask.py "Where is my order?"', 'python ask.py "Tell a story"']),
        ("tutorial-pytest.md", 4, ["pytest -q test_wrong.py"]),
        ("tutorial-gateway.md", 4, []),
        ("tutorial-load-test.md", 4, []),
        ("tutorial-coding-agent.md", 4, []),
        ("troubleshooting.md", 2, []),
        ("why.md", 15, []),
    ],
)
def test_tutorial_prints_what_it_shows(page: str, commands: int, failing: list[str], tmp_path: Path) -> None:
    runner = PageRunner(page, tmp_path)
    runner.run()
    assert len(runner.commands) == commands
    assert runner.failed == failing


@pytest.mark.full
@pytest.mark.timeout(LONGEST * 3)
def test_vitest_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    require("npm")
    folder = copied("js_project", tmp_path)
    run(sys.executable, str(ROOT / "scripts" / "build_clients.py"), str(folder), at=ROOT)
    [package] = folder.glob("mockllm-*.tgz")
    run("npm", "install", "--no-audit", "--no-fund", f"./{package.name}", at=folder)
    runner = PageRunner("tutorial-vitest.md", folder, {"NO_COLOR": "1", "CI": "1"})
    runner.run()
    assert len(runner.commands) == 1
    assert runner.failed == []


@pytest.mark.parametrize("page", ["index.md", "upgrade-policy.md"])
def test_scenarios_of_page_have_no_mistake(page: str, tmp_path: Path) -> None:
    for number, text in enumerate(
        re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    ):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    ended = command("check", ".", "--strict", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout


def test_troubleshooting_names_options_and_calls_that_exist() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    options = set(re.findall(r"`?mockllm [a-z]+[^`\n]* (--[a-z-]+)", page))
    known = {option for parser in parsers() for option in parser}
    assert options
    assert options - known == set()
    calls = set(re.findall(r"localhost:8080(/api/[a-z]+)", page))
    assert calls
    assert calls - {route.path.partition("{")[0].rstrip("/") for route in ROUTES} == set()


def parsers() -> list[list[str]]:
    subcommands = next(action for action in all_commands()._actions if isinstance(action.choices, dict))
    assert isinstance(subcommands.choices, dict)
    return [list(parser._option_string_actions) for parser in subcommands.choices.values()]


def test_steps_of_console_block_have_their_output() -> None:
    assert list(steps("$ one\nA\nB\n$ two\n")) == [("one", "A\nB\n"), ("two", "")]


def test_compare_allows_other_times_and_dots() -> None:
    compare("c", "...\n#1 10:00:00 x 1.5ms ...\n...", "before\n#1 23:59:59 x 20ms [retry 1]\nafter")
    compare("c", "...\nend", "end")


@pytest.mark.parametrize("found", ["#1 10:00:00 y 1ms", "more\n#1 10:00:00 x 1ms"])
def test_compare_refuses_other_text(found: str) -> None:
    with pytest.raises(AssertionError, match="is not"):
        compare("c", "#1 10:00:00 x 1ms", found)


def test_failed_command_of_a_page_is_noted(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one; exit 3\n...\n$ echo two\ntwo\n```\n", encoding="utf-8")
    runner = PageRunner(str(page), tmp_path)
    runner.run()
    assert runner.failed == ["echo one; exit 3"]
