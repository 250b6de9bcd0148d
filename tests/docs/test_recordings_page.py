"""docs/recordings.md: its scenario loads and is found, its commands have the options that it names."""

from __future__ import annotations

import argparse
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.recordings import interaction, json_lines_log
from mockllm.recordings.importer import KINDS
from tests.dialects.virtual_socket import VirtualSocket
from tests.language.virtual_server import VirtualServer, raw_request
from tests.recordings.sample_files import take

PAGE = (Path(__file__).parents[2] / "docs/recordings.md").read_text(encoding="utf-8")
COMMANDS = {"record": "record", "serve": "serve", "import": "importing", "hash": "hash"}


def options_of(module: str) -> set[str]:
    parser = argparse.ArgumentParser()
    import_module(f"mockllm.cli.{module}").arguments(parser)
    return {name for action in parser._actions for name in action.option_strings}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_page_exist(command: str) -> None:
    lines = re.findall(rf"mockllm {command}\b([^`\n]*)", PAGE)
    named = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert lines
    assert named <= options_of(COMMANDS[command])


def test_every_option_that_it_names_is_one() -> None:
    known = set().union(*map(options_of, COMMANDS.values()), {"--set"})
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known
    for option in (
        "--upstream",
        "--record-misses",
        "--hash-ignore",
        "--tls-self-signed",
        "--tls-port",
        "--gzip",
    ):
        assert option in PAGE


REQUESTED = raw_request(
    "/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
)


def test_recording_of_page_is_replayed() -> None:
    example, socket, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    response = VirtualServer(example).respond(REQUESTED)
    assert response.bytes.endswith(b"data: [DONE]\n\n")
    assert response.took == 0.43
    played = VirtualSocket(socket, "/v1/realtime")
    assert [each["type"] for each in played.opening] == ["session.created"]
    assert [each["type"] for each in played.send({"type": "response.create"})] == [
        "response.created",
        "response.done",
    ]


def test_edited_recording_of_page_meets_its_examples(tmp_path: Path) -> None:
    edited = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[-1]
    (tmp_path / "edited.yaml").write_text(edited, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["test", str(tmp_path)])
    assert ended.value.code == 0


def test_recordings_page_log_is_imported() -> None:
    (line,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    game = VirtualServer(take(line, "log.jsonl").text)
    response = game.respond(REQUESTED)
    assert (response.status, response.took) == (503, 0.82)
    source = inspect.getsource(json_lines_log)
    table = PAGE[PAGE.index("### A log of requests") : PAGE.index("A batch's output")]
    for name in re.findall(r"`(\w+)`", table):
        assert f'"{name}"' in source, name


def test_page_names_every_imported_format() -> None:
    for name in ("VCR", "HAR", "curl -i", "aimock", "WireMock", "JSON object in each line", "exchange"):
        assert name in KINDS
        assert name in PAGE
    assert f"`{interaction.OTHER}`" in PAGE
