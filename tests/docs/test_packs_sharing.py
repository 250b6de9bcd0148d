"""The commands in docs/packs.md, run in order in an empty folder, do what the page says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.packing.pack_files import git, repository, run, tagged, write
from tests.testing.inner_runs import ONLY_OURS, apart

PAGE = (Path(__file__).parents[2] / "docs" / "packs.md").read_text(encoding="utf-8")
APPLICATION = """
import anthropic

def my_application(said):
    asked = [{"role": "user", "content": said}]
    with anthropic.Anthropic() as client:
        with client.messages.stream(model="claude-sonnet-5", max_tokens=99, messages=asked) as stream:
            return "".join(stream.text_stream)

"""
BLOCKS = {
    title: [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    for title, text in re.findall(r"(?ms)^## (.+?)$(.*?)(?=^## |^# Shipped|\Z)", PAGE)
}


def words(line: str, remote: Path) -> list[str]:
    """The arguments of a command of the page, with repositories that are here."""
    code = line.partition(" # ")[0] if " # " in line else line
    code = code.replace("https://git.example/", f"{remote.as_uri()}/")
    program, *arguments = code.split()
    assert program == "mockllm"
    return arguments


def test_commands_of_page_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work, remote = tmp_path / "work", tmp_path / "remote"
    work.mkdir()
    monkeypatch.chdir(work)
    for title in ("Write one", "Test it"):
        for line in BLOCKS[title]:
            assert run(*words(line, remote)) == 0, line
    assert "3 passed\n100% of 2 rules, steps and modifiers reached\n" in capsys.readouterr().out

    git(work / "greet", "init", "--quiet")
    tagged(work / "greet", "v0.1.0")
    shutil.copytree(work / "greet", remote / "team" / "greet.git")
    mono = repository(remote / "mocks.git", "9.0.0", name="other")
    shutil.copytree(work / "greet", mono / "packs" / "greet", ignore=shutil.ignore_patterns(".git"))
    tagged(mono, "v2")

    for line in BLOCKS["Share it"]:
        assert run(*words(line, remote)) == 0, line
    for path in capsys.readouterr().out.split():
        assert f"{path}\n" in PAGE
    (mine,) = re.findall(r"```yaml\n# scenarios/mine\.yaml\n(.*?)```", PAGE, re.DOTALL)
    write(work, {"scenarios/mine.yaml": mine})
    adding = [line for line in BLOCKS["Use it"] if " add " in line]
    using = [line for line in BLOCKS["Use it"] if " add " not in line]
    for line in adding:
        assert run(*words(line, remote)) == 0, line
        assert run("check", "--frozen") == 0, line
        assert "team/greet" in capsys.readouterr().out, line
        assert run("pack", "remove", "team/greet") == 0
    assert run(*words(adding[0], remote)) == 0
    lines = [*using[:-1], *BLOCKS["In CI"], *BLOCKS["What changed"], using[-1]]
    lines += [*BLOCKS["An index for a company"], *BLOCKS["A branch, while you develop"]]
    for line in lines:
        assert run(*words(line, remote)) == 0, line


def test_packs_page_shows_output_of_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("pack", "new", "team/greet") == 0
    capsys.readouterr()
    assert run("pack", "check", "greet") == 0
    (output,) = re.findall(r"```\n(team/greet 0\.1\.0:\n.*?)```", PAGE, re.DOTALL)
    assert output in capsys.readouterr().out


@pytest.mark.full
def test_recorded_errors_become_pack_of_other_team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exchange = {
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "headers": [],
                    "postData": {"text": '{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'}},
        "response": {"status": 503, "headers": [], "content": {"text": "{}"}},
    }  # fmt: skip
    write(tmp_path, {"incident.har": json.dumps({"log": {"entries": [exchange]}})})
    for line in BLOCKS["From a bad day to a pack"]:
        assert run(*words(line, tmp_path)) == 0, line
    (tmp_path / "bad-day" / "greetings.yaml").unlink()
    files = dict(re.findall(r"```yaml\n# ((?:bad-day|scenarios)/\w+\.yaml)\n(.*?)```", PAGE, re.DOTALL))
    write(tmp_path, {name: text for name, text in files.items() if name != "scenarios/mine.yaml"})
    assert run("pack", "test", "bad-day", "--min-coverage", "100%") == 0
    assert run("pack", "add", "bad-day") == 0
    (test,) = re.findall(r"```python\n(@pytest.*?)```", PAGE, re.DOTALL)
    write(
        tmp_path, {"tests/test_bad_day.py": f"import pytest\n{APPLICATION}{test}", "pytest.ini": "[pytest]\n"}
    )
    done = apart(tmp_path, *ONLY_OURS)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "new",
        "check",
        "test",
        "build",
        "index",
        "add",
        "remove",
        "update",
        "outdated",
        "search",
        "list",
        "info",
        "vendor",
    ],
)
def test_every_command_is_on_the_page(command: str) -> None:
    assert f"mockllm pack {command}" in PAGE
