"""A pack's templates are bounded: endless growth is an error of that one response, soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mockllm.core.json.codec import dumps
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.state.engine_state import EngineState
from tests.packing.pack_files import pack

USER = 'a"' * 50_000


@pytest.mark.parametrize(
    "template",
    [
        "{{ user | replace('a', user) }}",
        "{{ user | replace('a', user) | replace('a', user) | length }}",
        "{{ user | split('a') | join(user) | split('a') | join(user) }}",
        "{{ " + " ~ ".join(["user"] * 3000) + " }}",
        "{{ [user, user]" + " | tojson" * 40 + " }}",
    ],
    ids=["a square", "a square of a square", "joins of splits", "a long sum", "quotes of quotes"],
)
def test_endless_template_is_an_error(template: str, tmp_path: Path) -> None:
    rules = f"rules: [{{name: grows, reply: {dumps(template).decode()}}}]\n"
    gathered = load_scenarios(ScenarioSources((str(pack(tmp_path / "p", rules=rules)),)))
    assert [str(mistake) for mistake in gathered.diagnostics] == []
    engine = Engine(run_steps(compile_catalog(gathered.entries)), EngineState())
    body = dumps({"model": "m", "messages": [{"role": "user", "content": USER}]})
    request = engine.read("POST", "/v1/chat/completions", "", {}, body, "127.0.0.1", 0.0)
    began = time.process_time()
    response = engine.respond(request)
    assert response.plan.head.status == 400
    assert time.process_time() - began < 20, "it does not go on for ever"
