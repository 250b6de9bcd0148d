"""Responses of providers with types, names and numbers that no encoder of this server expects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from mockllm.cli.sources import known_names
from mockllm.conformance.shape import Observation
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.drift.change import Change, differences
from mockllm.drift.cost import CostBudget
from mockllm.drift.extras_pack import _value, write_extras_pack
from mockllm.drift.report import DriftReport
from mockllm.drift.run import _count, compare_all
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.recordings.interaction import RecordedResponse
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_requests import SentRequest
from tests.language.virtual_server import cases

SENT: Final = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
BODY: Final[dict[str, Any]] = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
ENGINE: Final = Engine(run_steps(compile_catalog([])), EngineState())


def exchange(path: str, sent: object, body: object) -> tuple[EngineRequest, RecordedResponse]:
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    request = SentRequest("POST", path, "", headers, json.dumps(sent).encode()).read_by(ENGINE, 0.0)
    frames = (RecordedFrame(0.0, json.dumps(body).encode()),)
    return request, RecordedResponse(200, (("content-type", "application/json"),), frames)


def found(path: str, sent: object, body: object) -> list[tuple[str, str, str]]:
    report = DriftReport()
    compare_all(ENGINE, [exchange(path, sent, body)], report)
    return [(each.kind, each.place, each.detail) for each in report.changes]


def test_count_of_another_type_is_named() -> None:
    body = {**BODY, "usage": {**BODY["usage"], "prompt_tokens": None}}
    changed = found("/v1/chat/completions", SENT, body)
    assert ("type", "$.usage.prompt_tokens", "number -> null") in changed


@cases(
    "block",
    [
        ("a list as type", {"type": [], "text": "x"}),
        ("no text", {"type": "text", "text": 5}),
    ],
)
def test_content_of_another_type_is_no_traceback(block: object) -> None:
    body = {"id": "x", "type": "message", "role": "assistant", "model": True, "content": [block]}
    usage = {"input_tokens": 1, "output_tokens": 1}
    body |= {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    assert found("/v1/messages", {**SENT, "max_tokens": 9}, body)


def test_negative_usage_lowers_no_cost() -> None:
    body = {**BODY, "usage": {"prompt_tokens": 5, "completion_tokens": -1_000_000, "total_tokens": 2}}
    budget = CostBudget(1.0)
    _count(budget, *exchange("/v1/chat/completions", SENT, body))
    assert budget.spent > 0


def test_many_new_fields_are_compared_in_one_pass() -> None:
    """Each new field was looked for in all others: 4,000 took two minutes."""
    live = frozenset(f"body $.f{number}{end}" for number in range(30_000) for end in (" object", ".a number"))
    ours = Observation(200, frozenset({"body $ object"}), (), frozenset())
    theirs = Observation(200, ours.shape | live, (), frozenset())
    each = list(differences(ours, theirs, frozenset(), same_order=True, headers=False))
    assert len(each) == 30_000
    assert each[0].inside == (("$.f0.a", "number"),)


class ComparedPath(str):
    """A path that counts how often it is read to find its place."""

    __slots__ = ()
    read = 0

    def __eq__(self, other: object) -> bool:
        ComparedPath.read += 1
        return str.__eq__(self, other)

    def removeprefix(self, prefix: str, /) -> str:
        ComparedPath.read += 1
        return str.removeprefix(self, prefix)

    __hash__ = str.__hash__


def new_object(inside: Iterable[tuple[str, str]]) -> Change:
    """Return the change of a new object with these paths and types below it."""
    live = frozenset({"object"})
    return Change("p", "new field", "$.new", frozenset(), live, "low", "", {"body"}, {*inside})


def test_pack_of_a_large_new_field_is_made_in_one_pass() -> None:
    ComparedPath.read = 0
    value = _value(new_object((ComparedPath(f"$.new.f{number}"), "number") for number in range(500)))
    assert value == {f"f{number}": 0 for number in range(500)}
    assert ComparedPath.read <= 4 * 500


def test_value_of_a_new_field_has_the_form_of_the_live_one() -> None:
    types = {
        "$.new.list": "array", "$.new.list[]": "object", "$.new.list[].a": "string", "$.new.none": "array",
        "$.new.both": "null", "$.new.deep": "object", "$.new.deep.b": "boolean", "$.new.newer": "number",
    }  # fmt: skip
    assert _value(new_object([*types.items(), ("$.new.both", "string")])) == {
        "both": None, "deep": {"b": False}, "list": [{"a": ""}], "newer": 0, "none": [],
    }  # fmt: skip


def test_odd_names_of_new_fields_load_as_pack(tmp_path: Path) -> None:
    report = DriftReport()
    for name in ("${HOME}", "a\x85b", "c\u2028d"):
        compare_all(ENGINE, [exchange("/v1/chat/completions", SENT, {**BODY, name: {name: 1}})], report)
    assert write_extras_pack(report, tmp_path) == 3
    write_extras_pack(DriftReport(), tmp_path)  # a run that compares nothing leaves them
    loaded = load_scenarios(ScenarioSources((str(tmp_path),), known_names=known_names()))
    assert loaded.diagnostics == []
    assert "a\\u0085b" in (tmp_path / "provider-drift" / "extras.yaml").read_text(encoding="utf-8")
