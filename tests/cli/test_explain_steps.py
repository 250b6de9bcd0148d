"""`mockllm explain` on the steps of an example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.explain_command import SCENARIO, report, run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO, encoding="utf-8")


def test_explain_steps_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"messages": [{"role": "user", "content": "hello"}], "model": "gpt-3"}
    steps = [
        {"request": {"model": "gpt-3"}, "expect": {"text": "One two three."}},
        {"after": "2s", "request": {"model": "gpt-3"}},
        {"request": body, "after": "1s"},
        {"expect": {"rule": "second"}},
    ]
    assert run({"name": "turns", "steps": steps}) == 0
    out = capsys.readouterr().out.split("\n\n")
    assert [line.splitlines()[0] for line in out if line.startswith("Step")] == [
        'Step 1: POST /v1/chat/completions, model gpt-3, user "hi"',
        'Step 2: POST /v1/chat/completions, model gpt-3, user "hi"',
        'Step 3: POST /v1/chat/completions, model gpt-3, user "hello"',
        'Step 4: POST /v1/chat/completions, model gpt-4o-mini, user "hi"',
    ]
    result = report({"steps": steps}, capsys)
    assert [item["example_step"] for item in result] == [1, 2, 3, 4]
    assert [item["step"] for item in result] == ["step 1 of 2", "step 2 of 2", None, "step 2 of 2"]
    assert result[2]["guess"] is not None


def test_explain_starts_steps_anew_for_each_provider(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        {"request": {"provider": ["openai", "anthropic"], "model": "gpt-3"}},
        {"request": {"model": "gpt-3"}},
    ]
    result = report({"steps": steps}, capsys)
    assert [(item["request"]["provider"], item["step"]) for item in result] == [
        ("openai", "step 1 of 2"),
        ("openai", "step 2 of 2"),
        ("anthropic", "step 1 of 2"),
        ("openai", "step 2 of 2"),
    ]


def test_explain_single_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert report({"steps": [{"request": {"model": "gpt-3"}}]}, capsys)["example_step"] == 1
    assert report({"request": {"model": "gpt-3"}}, capsys)["example_step"] is None


LIMITS = """\
rules:
  - {name: pay, match: {user: pay}, sets_state: {order: paid}, reply: Paid.}
  - {name: ship, match: {user: ship}, requires_state: {order: paid}, reply: Shipped.}
  - {name: early, during: {to: 5s}, reply: Early.}
modifiers:
  - {name: quota, match: {model: limited}, limit: {strategy: after-n, requests: 1}}
  - {name: machine, match: {model: busy}, load: {max_inflight: 1}, delay: 1s}
  - {name: late, during: {from: 50s}, delay: 1s}
"""


def test_explain_steps_show_limit_and_time_window(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("scenarios", "a.yaml").write_text(LIMITS, encoding="utf-8")
    steps = [
        {"request": {"model": "limited", "user": "hi"}},
        {"request": {"model": "limited", "user": "ship"}},
        {"after": "6s", "request": {"user": "ship"}},
        {"request": {"model": "busy", "user": "pay"}},
        {"request": {"model": "busy", "user": "ship"}},
    ]
    assert run({"steps": steps}) == 0
    first, limited, missed, paid, shipped = capsys.readouterr().out.split("\nStep ")
    assert "a.yaml:early responds" in first
    assert "a.yaml:8 late: matched, but outside its window (during)" in first
    assert "a.yaml:quota responds: its limit is reached, in place of a.yaml:early" in limited
    assert 'a.yaml:3 ship: matched, but the state order is null, wants "paid"' in limited
    assert "note: limited: too many requests, retry after 1s" in limited
    assert "No rule matches" in missed
    assert "a.yaml:4 early: matched, but outside its window (during)" in missed
    assert "a.yaml:pay responds" in paid
    assert "a.yaml:ship responds" in shipped
    assert run({"steps": steps}, "--json") == 0
    reports = json.loads(capsys.readouterr().out)
    assert [report["outcome"] for report in reports] == ["rule", "limited", "miss", "rule", "rule"]
    assert [report["spared"] for report in reports] == [["a.yaml:late"]] * 5


def test_explain_of_an_ended_sequence_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scenarios/a.yaml").write_text(
        "rules:\n  - {name: once, sequence: [a], then: error}\n  - {reply: b}\n"
    )
    second = report({"steps": [{"request": {}}, {"request": {}}]}, capsys)[1]
    assert [(each["rule"], each["fate"]) for each in second["tried"]] == [
        ("a.yaml:once", "stood aside"),
        ("a.yaml:rules[1]", "comes later"),
    ]
    assert run({"steps": [{"request": {}}, {"request": {}}]}) == 0
    shown = capsys.readouterr().out
    assert "  1  scenarios/a.yaml:2 once: matched, but its sequence has ended\n" in shown
