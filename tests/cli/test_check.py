"""`mockllm check`: what is printed, and the exit code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.scenario.pack_resolver import bundled_names

GOOD = "rules: [{name: hi, reply: Hi.}]\nmodifiers: [{name: slow, delay: 1s}]\n"
BAD = "rules:\n  - match: {modle: gpt-4}\n    reply: Hi.\n"
HIDDEN = "rules:\n  - {name: all, reply: Hi.}\n  - {match: {user: x}, reply: Ho.}\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOCKLLM_STRICT", raising=False)
    (tmp_path / "scenarios").mkdir()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["check", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def write(text: str, name: str = "scenarios/a.yaml") -> None:
    Path(name).write_text(text, encoding="utf-8")


def test_check_empty_folder_is_not_ok(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run("empty") == 0
    assert capsys.readouterr().out == "nothing to check: there is no scenario file (*.yaml, *.yml) here\n"


@pytest.mark.parametrize("options", [(), ("empty",)])
def test_strict_check_without_files_fails(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    assert run("--strict", *options) == 1
    assert "mockllm check --strict: no scenario file" in capsys.readouterr().err
    assert run("--strict", "--pack", "default") == 0


def test_strict_check_of_broken_file_says_only_so(capsys: pytest.CaptureFixture[str]) -> None:
    write("rules:\n\t- reply: hi\n")
    assert run("--strict") == 1
    assert "no scenario file" not in capsys.readouterr().err


def test_check_warns_of_misnamed_file_alone(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD, "scenarios/A.YAML")
    assert (run(), run("--strict")) == (0, 1)
    assert capsys.readouterr().out.count("warning: scenarios/A.YAML: not loaded: the name of") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_check_omits_file_whose_name_is_not_utf8(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD, os.fsdecode(b"scenarios/caf\xe9.yaml"))
    write(GOOD)
    assert run("--json") == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning["file"] == "scenarios/caf\\xe9.yaml"
    assert warning["message"] == "not loaded: the name of a scenario file is UTF-8"


def test_check_without_scenarios_notes_default_pack(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    output = capsys.readouterr()
    assert output.err == "No scenario files in ./scenarios; using the pack `default`.\n"
    assert output.out.startswith("ok: ")


def test_check_endless_folders_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scenarios", *["a"] * 70).mkdir(parents=True)
    assert run() == 2
    assert "more than 64 folders below each other" in capsys.readouterr().out


def test_check_link_to_itself_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scenarios/a.yaml").symlink_to("a.yaml")
    assert run() == 2
    assert capsys.readouterr().out.startswith("scenarios/a.yaml: cannot be read: Too many levels of symbolic")


def test_check_valid_files_prints_ok(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD)
    assert run() == 0
    assert capsys.readouterr() == ("ok: 1 rule, 1 modifier in 1 file\n", "")


def test_mistakes_and_warnings_have_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    write(BAD)
    write(HIDDEN, "scenarios/b.yaml")
    assert run("scenarios") == 1
    assert capsys.readouterr().out.splitlines() == [
        'scenarios/a.yaml:2:13: rules[0].match.modle: unknown key; did you mean "model"?',
        'warning: scenarios/b.yaml:3:5: rules[1]: can never respond: "all" (scenarios/b.yaml:2) responds to every '
        "request that it matches",
        "1 mistake, 1 warning in 2 files",
    ]


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)], ids=["by default", "if strict"])
def test_warnings_fail_only_if_strict(
    strict: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write(HIDDEN)
    assert run(*strict) == code
    assert capsys.readouterr().out.endswith("1 warning in 1 file\n")


def test_strictness_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLLM_STRICT", "1")
    write(HIDDEN)
    assert run() == 1


def test_several_folders_and_files_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    write(GOOD)
    Path("more").mkdir()
    write("rules: [{match: {user: x}, reply: X.}]", "more/b.yaml")
    assert run("more/b.yaml", "--scenarios", "scenarios") == 0
    assert capsys.readouterr().out == "ok: 2 rules, 1 modifier in 2 files\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere"], "nowhere: there is no such file or folder\n1 mistake\n"),
        (["--pack", "defalt"], '--pack defalt: there is no such pack; did you mean "default"?\n1 mistake\n'),
    ],
    ids=["no such folder", "no such pack"],
)
def test_nothing_to_look_at(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert capsys.readouterr().out == text


def test_check_with_unknown_option_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--strickt") == 2
    assert "--strickt" in capsys.readouterr().err


def test_parameters_of_packs_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--pack", "benchmark", "--set", "chunk_count=many") == 2
    assert "chunk_count" in capsys.readouterr().out


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write(BAD)
    write(HIDDEN, "scenarios/b.yaml")
    assert run("--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["rules"], report["modifiers"], report["files"]) == (False, 2, 0, 2)
    assert report["mistakes"] == [
        {
            "file": "scenarios/a.yaml",
            "line": 2,
            "column": 13,
            "path": "rules[0].match.modle",
            "message": 'unknown key; did you mean "model"?',
        }
    ]
    assert [(warning["file"], warning["line"]) for warning in report["warnings"]] == [("scenarios/b.yaml", 3)]


def test_colour_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(HIDDEN)
    run()
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    run()
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.delenv("NO_COLOR")
    run()
    assert capsys.readouterr().out.startswith("\x1b[33mwarning:\x1b[0m scenarios/a.yaml:3:5")


@pytest.mark.parametrize("pack", bundled_names())
def test_check_of_shipped_pack_has_no_warnings(pack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--strict", "--pack", pack) == 0
    assert capsys.readouterr().out.startswith("ok: ")


def test_check_refuses_bytes_of_another_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    write("rules: [{match: {api: messages, stream: false}, replay: {frames: ['data: {}']}}]")
    assert run() == 1
    shown = capsys.readouterr().out
    assert (
        "a recorded stream, for requests without a stream; write `as: reply`\n1 mistake in 1 file\n" in shown
    )
    assert "warning" not in shown
    assert run("--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], len(report["mistakes"]), report["warnings"]) == (False, 1, [])


@pytest.mark.parametrize("command", [["check", ""], ["serve", "--scenarios", ""]])
def test_empty_path_is_a_usage_error(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert "expected a folder or a file of scenarios, found an empty text" in capsys.readouterr().err
