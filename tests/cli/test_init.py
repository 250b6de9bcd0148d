"""`mockllm init`: a starter folder that passes its own checks, and never harms what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.cli.main import main

FILES = ["scenarios/README.md", "scenarios/hello.yaml", "schemas/scenario.schema.json"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_init_prints_files_and_next_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "mine") == 0
    assert capsys.readouterr().out.splitlines() == [
        *(f"mine/{name}" for name in FILES),
        "",
        "Next:",
        "  mockllm serve --scenarios mine/scenarios  then point an SDK at the address it prints",
        "  mockllm check mine/scenarios              finds mistakes",
        "  mockllm test mine/scenarios               runs the examples in the files",
        "Edit mine/scenarios/hello.yaml while the server runs: the server reloads it within a second or so.",
    ]
    assert all((Path("mine") / name).is_file() for name in FILES)


def test_init_files_pass_check_and_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init") == 0
    assert "mockllm serve  then" in capsys.readouterr().out
    assert run("check", "--strict") == 0
    assert run("test") == 0
    assert "failed" not in capsys.readouterr().out


def test_init_overwrites_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scenarios").mkdir()
    Path("scenarios/hello.yaml").write_text("rules: []\n", encoding="utf-8")
    assert run("init") == 1
    assert Path("scenarios/hello.yaml").read_text(encoding="utf-8") == "rules: []\n"
    assert all(Path(name).is_file() for name in FILES)
    assert "scenarios/hello.yaml: exists, not overwritten" in capsys.readouterr().err
    assert run("init") == 1
    assert capsys.readouterr().out == "Nothing was written.\n"


def test_init_beside_a_schema_writes_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    Path("schemas").mkdir()
    Path(FILES[-1]).write_text("{}", encoding="utf-8")
    assert run("init") == 0
    output = capsys.readouterr()
    assert output.err == f"{FILES[-1]}: exists, not overwritten\n"
    assert output.out.splitlines()[:2] == FILES[:2]
    assert Path(FILES[-1]).read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize("link", [False, True], ids=["a file", "a link to nowhere"])
def test_init_into_file_is_refused(link: bool, capsys: pytest.CaptureFixture[str]) -> None:
    if link:
        Path("scenarios").symlink_to("nowhere")
    else:
        Path("scenarios").write_text("x", encoding="utf-8")
    assert run("init") == 2
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "mockllm: scenarios: exists and is not a folder\n")


def test_init_into_unwritable_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("", encoding="utf-8")
    assert run("init", "taken") == 2
    assert capsys.readouterr().err.startswith("mockllm: taken/scenarios/")
