"""The GitHub Action: its steps as a runner executes them, with files in place of the runner's."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = YAML(typ="safe").load(ROOT / "action.yml")
pytestmark = [pytest.mark.needs("bash"), pytest.mark.needs("curl"), pytest.mark.timeout(300)]


class Runner:
    """Executes steps, and hands the variables of one step to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {name: folder / name.lower() for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH")}
        self.files["GITHUB_STEP_SUMMARY"] = folder / "summary.md"
        for file in self.files.values():
            file.touch()

    def variables(self) -> dict[str, str]:
        lines = self.files["GITHUB_ENV"].read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def step(self, id: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        [step] = [each for each in ACTION["runs"]["steps"] if each.get("id") == id]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {
            **os.environ,
            "PATH": path,
            "RUNNER_TEMP": str(self.folder),
            **{name: str(file) for name, file in self.files.items()},
            **self.variables(),
            **{name: filled(value, inputs) for name, value in step.get("env", {}).items()},
        }
        command = ["bash", "-eo", "pipefail", "-c", filled(step["run"], inputs)]
        return subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True)


def filled(text: str, inputs: dict[str, str]) -> str:
    """The text with the expressions that the action uses."""
    defaults = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
    for name, value in {**defaults, **inputs}.items():
        text = text.replace(f"${{{{ inputs.{name} }}}}", value)
    return text.replace("${{ github.action_path }}", str(ROOT))


def test_action_serves_runs_and_reports(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("rules:\n  - {match: {model: m}, reply: Hi.}\n")
    runner = Runner(tmp_path)
    started = runner.step("start", scenarios="scenarios")
    assert started.returncode == 0, started.stdout + started.stderr
    url = runner.variables()["OPENAI_BASE_URL"]
    body = '{"model": "m", "messages": [{"role": "user", "content": "x"}]}'
    command = f"curl --silent --fail --data '{body}' {url}/chat/completions"
    ran = runner.step("command", command='test -n "$OPENAI_BASE_URL"; ' + command)
    assert '"Hi."' in ran.stdout
    assert runner.step("command", command="exit 3").returncode == 3
    reported = runner.step("report")
    assert reported.returncode == 0, reported.stderr
    report = tmp_path / "mockllm" / "report"
    assert {each.name for each in report.iterdir()} == {
        "journal.jsonl", "log.txt", "unmatched.txt", "verdicts.txt", "verdicts.xml",
    }  # fmt: skip
    assert '"model":"m"' in (report / "journal.jsonl").read_text().replace(" ", "")
    assert (report / "verdicts.xml").read_text().startswith("<?xml")
    assert "### mockllm" in (tmp_path / "summary.md").read_text()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)


def test_action_serves_https(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    options = f"--tls-self-signed --tls-dir {tmp_path / 'tls'}"
    started = runner.step("start", pack="default", options=options)
    assert started.returncode == 0, started.stdout + started.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "github_output").read_text().splitlines())
    assert outputs["url"].startswith("https://")
    assert outputs["ca"] == str(tmp_path / "tls" / "ca.pem")
    command = f"curl --silent --fail --cacert {outputs['ca']} $MOCKLLM_URL/v1/models"
    assert '"data"' in runner.step("command", command=command).stdout
    assert runner.step("report").returncode == 0
    report = tmp_path / "mockllm" / "report"
    assert "/v1/models" in (report / "journal.jsonl").read_text()
    assert "SSL_CERT_FILE" not in (report / "unmatched.txt").read_text()


@pytest.mark.parametrize(("options", "code"), [("--strict", 1), ("", 0)])
def test_action_fails_at_its_end_if_strict(tmp_path: Path, options: str, code: int) -> None:
    (tmp_path / "a.yaml").write_text("rules:\n  - {match: {model: m}, reply: Hi.}\n")
    runner = Runner(tmp_path)
    assert runner.step("start", scenarios="a.yaml", options=options).returncode == 0
    url = runner.variables()["OPENAI_BASE_URL"]
    body = '{"model": "another", "messages": [{"role": "user", "content": "x"}]}'
    runner.step("command", command=f"curl --silent --data '{body}' {url}/chat/completions")
    reported = runner.step("report")
    assert reported.returncode == code
    assert ("::error::mockllm ended with exit code 1" in reported.stdout) == bool(code)


def test_action_says_why_no_server_started(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    failed = runner.step("start", pack="no-such-pack")
    assert failed.returncode == 1
    assert "::error::mockllm did not start:" in failed.stdout
    assert "no-such-pack" in failed.stdout
    reported = runner.step("report")
    assert (reported.returncode, reported.stderr) == (0, "")
    assert "no-such-pack" in (Path(runner.variables()["MOCKLLM_REPORT"]) / "log.txt").read_text()
    assert "mockllm did not start" in (tmp_path / "summary.md").read_text()


def test_pre_commit_hooks_run_existing_commands() -> None:
    from mockllm.cli.main import COMMANDS

    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")
    assert [hook["entry"].split()[1] in COMMANDS for hook in hooks] == [True, True]
