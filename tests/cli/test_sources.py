"""Scenarios that take long to load."""

from __future__ import annotations

import sys

import pytest

from mockllm.cli import progress_bar
from mockllm.cli.sources import sources_step
from mockllm.scenario.loader import ScenarioSources
from tests.cli.terminal import Pipe
from tests.waiting import PATIENCE


def test_step_of_a_command_is_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Pipe()
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.01)
    monkeypatch.setattr(sys, "stderr", out)
    with sources_step(ScenarioSources(("scenarios",), ("weather",))):
        assert out.written.wait(PATIENCE)
    assert out.getvalue() == "loads scenarios, weather\n"
    assert not capsys.readouterr().out
