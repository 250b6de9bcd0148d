"""What `mockllm explain` says of draws and of responses that a fault withholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.explain_command import report, run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()


@pytest.mark.parametrize(
    ("then", "end"),
    [
        ("reset", "the connection is reset"),
        ("close", "the connection is closed"),
        ("silence", "the connection stays open"),
    ],
)
def test_response_that_a_fault_withholds_is_nothing(
    then: str, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = f"rules: [{{name: a, error: overloaded, delay: 2s, faults: [{{no_response: {{then: {then}}}}}]}}]"
    Path("scenarios/a.yaml").write_text(rule, encoding="utf-8")
    assert report({"user": "hey"}, capsys)["sent"]["status"] is None
    assert run({"user": "hey"}) == 0
    assert capsys.readouterr().out.endswith(
        f"What would be sent:\n  nothing: {end} after 2s\n  fault applied: no_response\n"
    )


def test_drawn_chance_is_named_with_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "rules: [{name: often, chance: 99.99%, reply: Hi.}]\nmodifiers: [{name: slow, chance: 99%, delay: 1s}]"
    Path("scenarios/a.yaml").write_text(rules, encoding="utf-8")
    assert run({"user": "hey"}) == 0
    out = capsys.readouterr().out
    assert "  1  scenarios/a.yaml:1 often: answers (won its 99.99% chance)\n" in out
    assert "Modifiers that apply:\n  scenarios/a.yaml:2 slow (won its 99% chance)\n" in out
