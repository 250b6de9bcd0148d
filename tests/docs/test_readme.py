"""README is true: its commands start what they say, its scenario loads and passes its examples, its Python runs, and
so does the Python of the page about a server without scenarios."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import COMMANDS, main
from mockllm.cli.options import SERVING
from mockllm.core.faults import FAULTS
from mockllm.dialects.providers import REGISTERED
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.pack_resolver import bundled_names
from mockllm.server.app import App
from mockllm.server.engine_builder import Builder
from mockllm.state.engine_state import EngineState
from tests.server.threaded_server import ThreadedServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SWITCHING_PROTOCOLS = (ROOT / "docs" / "switching.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme") / "scenarios"
    folder.mkdir()
    (scenario,) = blocks("yaml")
    (folder / "support.yaml").write_text(scenario)
    return folder


@pytest.fixture(scope="module")
def port(scenarios: Path) -> Iterator[int]:
    app = App(Builder(ScenarioSources([str(scenarios)]), EngineState()).first())
    with ThreadedServer(app) as url:
        yield int(url.rpartition(":")[2])


@pytest.mark.full
@pytest.mark.timeout(300)  # the first start makes .venv
def test_readme_commands_exist_and_serve_starts(tmp_path: Path) -> None:
    assert "./scripts/serve" in blocks("sh")[0]
    assert "./scripts/test" in blocks("sh")[0]
    command = [str(ROOT / "scripts" / "serve"), "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            ready = server.stdout.readline()
        finally:
            server.terminate()
        assert re.match(r"mockllm \S+: \d+ rules in packs, listening on http://localhost:\d+", ready)
        server.stdout.read()
        assert server.wait() == 0


def test_readme_has_at_most_120_lines() -> None:
    assert README.count("\n") <= 120, "shorten README.md, or move a part to a page"


def test_figures_of_readme_are_those_of_the_code_and_its_page() -> None:
    why = (ROOT / "docs" / "why.md").read_text()
    for name, registered in (("providers", REGISTERED), ("faults", FAULTS)):
        stated = re.findall(rf"\*\*(\d+) {name}\*\*", README)
        assert stated == [str(len(registered))], f"change the number of {name} in README.md"
    row = next(line for line in why.splitlines() if line.startswith("| a stream, one rule |"))
    own, *others = (int(cell) for cell in re.findall(r"(\d+) µs", row))
    assert f"**{own} µs**" in README
    assert f"{min(others)} to {max(others)} µs" in README


def test_scenario_of_readme_passes_check_and_test(
    scenarios: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("check", "test"):
        with pytest.raises(SystemExit) as end:
            main([command, str(scenarios)])
        assert end.value.code == 0, capsys.readouterr()


@pytest.mark.parametrize("code", blocks("python")[:2], ids=["openai", "anthropic"])
def test_readme_client_code_prints_reply(code: str, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    key = f"key-{len(code)}"
    exec(code.replace("8080", str(port)).replace("anything", key), {})
    assert "Third time lucky." in capsys.readouterr().out


def test_query_controls_go_with_the_sdk(port: int) -> None:
    import openai

    code = (
        blocks("python", SWITCHING_PROTOCOLS)[0]
        .replace("8080", str(port))
        .replace('"x"', '"x", max_retries=0')
    )
    names = {"OpenAI": openai.OpenAI, "messages": [{"role": "user", "content": "hi"}]}
    built, *calls = code.strip().splitlines()
    exec(built, names)
    assert exec_raises(calls[0], names) is openai.RateLimitError
    names["chunks"] = []
    exec("stream = " + calls[1], names)
    assert exec_raises("chunks += list(stream)", names) is not None
    assert exec_raises(calls[2], names) is openai.APIStatusError


def test_tool_call_of_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    import openai

    assert "`TOOL_CALL_PROBABILITY=1 mockllm serve`" in SWITCHING_PROTOCOLS
    settings = ParamSettings(environment={"TOOL_CALL_PROBABILITY": "1"})
    app = App(Builder(ScenarioSources((), ["default"], settings), EngineState()).first())
    with ThreadedServer(app) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="x") as client:
        exec(
            blocks("python", SWITCHING_PROTOCOLS)[1],
            {"client": client, "messages": [{"role": "user", "content": "hi"}]},
        )
    reported = capsys.readouterr().out
    assert "get_weather" in reported
    assert '{"city":"' in reported


def exec_raises(code: str, names: dict[str, object]) -> type[Exception] | None:
    try:
        exec(code, names)
    except Exception as raised:
        return type(raised)
    return None


def test_readme_names_every_command_and_pack() -> None:
    documented = set(re.findall(r"`mockllm (\w+)", README))
    assert documented == set(COMMANDS), "name each command in README.md, in the row of its task"
    assert all(f"`{name}`" in README for name in bundled_names())
    assert "--host" in {option.name for option in SERVING}
