"""docs/observability.md names what is there: metrics, attributes of spans, ports, options and files."""

from __future__ import annotations

import re
from pathlib import Path

from mockllm.cli.options import SERVING
from mockllm.dialects.listing import LISTED_PROVIDERS
from mockllm.server.traces import spans, tracing
from tests.server.control.live_server import steered

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text("utf-8")
DOCKERS = {
    "--build",
    "--format",
    "--network",
    "--platform",
    "--push",
    "--read-only",
    "--rm",
    "--stop-timeout",
    "--user",
}


def test_metrics_of_page_are_those_of_server(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": "rules: [{reply: hi}]"}) as server:
        text = server.call("GET", "/metrics").text
    there = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    assert set(re.findall(r"`(mockllm_\w+)`", PAGE)) == there


def test_attributes_of_page_are_those_of_spans() -> None:
    known = Path(str(spans.__file__)).read_text("utf-8")
    named = set(re.findall(r"`((?:gen_ai|http|url|server|client|user_agent|error|mockllm)\.[\w.]+)`", PAGE))
    assert len(named) > 25
    providers = [listed.provider_object for listed in LISTED_PROVIDERS]
    settings = {f"gen_ai.request.{name}" for each in providers for name in each.telemetry_fields.settings}
    assert {name for name in named - settings if f'"{name}"' not in known} == set()
    own = set(re.findall(r'"(mockllm\.\w+)"', known))
    assert own <= named, "one of mockllm's own is not told"


def test_numbers_options_and_files_of_page_exist() -> None:
    assert f"a queue of {tracing.MAX_QUEUED} requests" in PAGE
    assert tracing.STOP_TIMEOUT == 2.0
    options = {option.name for option in SERVING}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - DOCKERS <= options
    for name in re.findall(r"\bdeploy/[\w.]+", PAGE):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w.]+)(?:#[\w-]+)?\)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
