"""`mockllm fit`: from result files to a scenario that loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockllm.cli.main import main
from tests.core.load_fit import results
from tests.core.load_fit.results import Served
from tests.language.virtual_server import diagnostics_of

ALONE = [Served(float(number), 0.2, 0.05, 100, 11) for number in range(4)]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["fit", *map(str, arguments)])
    assert isinstance(exit.value.code, int)
    return exit.value.code


@pytest.fixture
def result(tmp_path: Path) -> Path:
    file = tmp_path / "result.json"
    file.write_bytes(results.guidellm(ALONE, 1))
    return file


def test_fit_prints_a_scenario_without_mistakes(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(result) == 0
    printed = capsys.readouterr()
    assert "prefill: {base: 200ms}\n        itl: {1: 50ms}\n" in printed.out
    assert printed.err.startswith("note: the prompts are too equal to fit the speed of the prefill")
    assert diagnostics_of(printed.out.replace("use: [vllm]\n", "")) == []


def test_fit_writes_a_new_file_only(result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "scenarios" / "fitted.yaml"
    assert run(result, "--out", out) == 0
    assert out.read_text(encoding="utf-8").startswith(
        "# Written by `mockllm fit`, from 1 run with 4 requests."
    )
    assert run(result, "--out", out) == 2
    assert "File exists" in capsys.readouterr().err


def test_fit_refuses_a_file_that_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.json"
    file.write_text("{}")
    assert run(file) == 1
    assert capsys.readouterr().err.startswith(f"mockllm: {file}: it is not a result of GuideLLM")


def test_fit_refuses_responses_of_one_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "short.json"
    file.write_bytes(results.guidellm([each._replace(output=1, itl=0.0) for each in ALONE], 1))
    assert run(file) == 1
    assert capsys.readouterr().err == "mockllm: no request has two tokens: there is no time between tokens\n"


def test_fit_refuses_a_summary_without_output_tokens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = {"completed": 100, "total_input_tokens": 100, "duration": 1.0, "total_output_tokens": 0}
    file = tmp_path / "summary.json"
    file.write_text(json.dumps(summary | {"mean_ttft_ms": 1, "mean_tpot_ms": 30}))
    assert run(file) == 1
    assert capsys.readouterr().err == "mockllm: no request has two tokens: there is no time between tokens\n"


def test_fit_leaves_out_requests_without_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = {100: 0.0, 200: 0.0, 300: 0.0, 400: 0.5, 500: 1.0}
    served = [Served(2.0 * tokens, ttft, 0.05, tokens, 11) for tokens, ttft in times.items()]
    file = tmp_path / "mixed.json"
    file.write_bytes(results.guidellm(served, 1))
    assert run(file) == 0
    assert "from 1 run with 2 requests" in capsys.readouterr().out
