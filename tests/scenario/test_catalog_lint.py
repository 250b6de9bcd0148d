"""Warnings about whole catalogs, and certain cases without a warning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.scenario import catalog_lint
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.control_paths import CONTROL_PATHS
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.manifest import ParamSettings
from mockllm.server.control.routes import ROUTES

Files = Mapping[str, str]
NO_NAMES = KnownNames()


def warnings_of(
    folder: Path, files: Files, sets: tuple[str, ...] = (), known_names: KnownNames = NO_NAMES
) -> list[str]:
    """Return the warnings, each as `file:line path: message`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sources = ScenarioSources([str(folder)], settings=ParamSettings(sets), known_names=known_names)
    scenarios = load_scenarios(sources)
    result = catalog_lint.warnings(scenarios)
    assert result == run_steps(
        catalog_lint.warning_steps(scenarios, run_steps(compile_catalog(scenarios.entries)))
    )
    shown = (f"{Path(each.file).name}:{each.line} {each.path}: {each.message}" for each in result)
    return [line.replace(f"{folder}/", "") for line in shown]


def rules(*items: str) -> str:
    return "rules:\n" + "".join(f"- {item}\n" for item in items)


def modifiers(*items: str) -> str:
    return "modifiers:\n" + "".join(f"- {item}\n" for item in items)


NONE = {
    "a narrower fallback first": rules(
        "{fallback: true, match: {user: a}, reply: a}", "{fallback: true, reply: b}"
    ),
    "a fallback before an ordinary rule": rules("{fallback: true, reply: a}", "{match: {user: a}, reply: b}"),
    "a narrower rule first": rules("{match: {user: a}, reply: a}", "{reply: b}"),
    "a higher priority": rules("{reply: b}", "{match: {user: a}, reply: a, priority: 1}"),
    "one with a chance before": rules("{chance: 50%, reply: a}", "{reply: b}"),
    "one that is used up": rules("{times: 2, reply: a}", "{reply: b}"),
    "one that skips": rules("{skip: 2, reply: a}", "{reply: b}"),
    "one that answers every other": rules("{every: 2, reply: a}", "{reply: b}"),
    "one with a window before": rules("{during: {to: 5s}, reply: a}", "{reply: b}"),
    "one that wants a state before": rules(
        "{requires_state: {a: 1}, reply: a}", "{sets_state: {a: 1}, reply: b}"
    ),
    "a modifier with a limit alone": modifiers("{limit: {strategy: none}}"),
    "a modifier with a load alone": modifiers("{load: {concurrency: 1}}"),
    "a modifier that sets a state": modifiers("{sets_state: {a: 1}}"),
    "a sequence that falls through": rules("{sequence: [a], then: fall_through}", "{reply: b}"),
    "a call that the catch-all does not see": rules("{reply: a}", "{match: {api: models}, http: {}}"),
    "some weights": rules("{choose: [{reply: a, weight: 0}, b]}"),
    "a modifier that never applies": modifiers("{chance: 0, delay: 1s}"),
    "a path that begins like a reserved one": rules("{match: {path: /healthy}, http: {}}"),
    "a path that may be any": rules('{match: {path: "*"}, http: {}}'),
    "a path that begins with a part": rules("{match: {path: {starts_with: /api}}, http: {}}"),
    "a fault where a step may stream": rules("{sequence: [{error: timeout}, a], faults: [malformed]}"),
    "a fault where a rule may stream": modifiers("{stream: false, faults: [malformed]}"),
    "a fault where another rule may stream": rules(
        "{match: {model: x}, reply: a, stream: true}",
        "{match: {stream: false}, reply: b, faults: [malformed]}",
    ),
    "a fault where a modifier may stream": (
        "rules:\n  - {match: {stream: false}, reply: b, faults: [malformed]}\n"
        "modifiers:\n  - {match: {model: x}, stream: true}\n"
    ),
    "a fault where a recording may be a stream": (
        'rules:\n  - {replay: {frames: ["x"]}}\nmodifiers:\n  - {match: {stream: false}, faults: [malformed]}\n'
    ),
    "chunks of a recording, whatever was asked": rules(
        '{replay: {frames: ["x"]}, stream: false, faults: [malformed, {reset: {after: {chunks: 1}}}]}'
    ),
    "a recording that is said anew": rules(
        '{replay: {frames: ["x"], as: reply}, faults: [no_usage, unknown_tool]}'
    ),
    "faults that any answer may have": rules(
        "{error: timeout, faults: [reset, {stall: {after: {bytes: 3}}}, {close: {after: {time: 1s}}}, redirect]}"
    ),
    "chunks of a non-streaming response": rules(
        "{reply: a, stream: false, faults: [{reset: {after: {chunks: 1}}}]}"
    ),
    "fewer regexes": rules(*(f'{{match: {{user: {{regex: "^.{{{n}}}$"}}}}, reply: a}}' for n in range(49))),
    "regexes on models": rules(
        *(f'{{match: {{model: {{regex: "^.{{{n}}}$"}}}}, reply: a}}' for n in range(60))
    ),
}

HIDDEN = "a.yaml:{} rules[{}]: can never respond: {} (a.yaml:2) responds to every request that it matches"
UNPLAYED = (
    "a.yaml:2 {}[0].faults[0]: malformed can never be applied: it needs a stream, and {} is never streamed"
)
SOME: dict[str, tuple[str, list[str]]] = {
    "a catch-all before all others": (
        rules("{name: all, reply: a}", "{match: {user: x}, reply: b}", "{match: {user: y}, reply: b}"),
        [HIDDEN.format(3, 1, '"all"'), HIDDEN.format(4, 2, '"all"')],
    ),
    "fallbacks that hide each other": (
        rules("{fallback: true, reply: a}", "{fallback: true, match: {user: b}, reply: b}"),
        [HIDDEN.format(3, 1, '"rules[0]"')],
    ),
    "a fallback behind an ordinary rule": (
        rules("{name: all, reply: a}", "{fallback: true, reply: b}"),
        [HIDDEN.format(3, 1, '"all"')],
    ),
    "a fallback that cannot answer": (
        rules("{fallback: true, chance: 0, reply: a}"),
        ["a.yaml:2 rules[0].chance: can never respond: its chance is 0"],
    ),
    "a sequence that goes on for ever": (
        rules("{sequence: [a, b]}", "{reply: b}"),
        [HIDDEN.format(3, 1, '"rules[0]"')],
    ),
    "a reserved path among others": (
        rules("{match: {path: [/x, {equals: /ws}]}, http: {}}"),
        [
            "a.yaml:2 rules[0].match.path: /ws is reserved for the server: "
            "no rule gets its requests without --admin-port"
        ],
    ),
    "what begins with a reserved path": (
        modifiers("{match: {path: {starts_with: /health/v2}}, delay: 1s}"),
        ["a.yaml:2 modifiers[0].match.path: /health is reserved for the server: no rule gets its requests"],
    ),
    "a path of the control API": (
        rules("{match: {path: [/api/chat, /api/requests/7]}, http: {}}"),
        [
            "a.yaml:2 rules[0].match.path: the control API has /api/requests/7: no rule gets its requests without "
            "--admin-port; those to /PROVIDER/api/requests/7 reach the rule, and so do those of a session, "
            "/s/NAME/api/requests/7"
        ],
    ),
    "a path below /api": (
        rules("{match: {path: /api/chat}, http: {}}"),
        [],
    ),
    "the prefix of sessions": (
        rules("{match: {path: [/x, /s/a/v1/models]}, http: {}}"),
        ["a.yaml:2 rules[0].match.path: /s/ID names a session: rules match the path after it"],
    ),
    "a fault on a modifier's error": (
        modifiers("{error: timeout, faults: [malformed]}"),
        [UNPLAYED.format("modifiers", "an error")],
    ),
    "a fault on plain HTTP": (
        rules("{match: {path: /x}, http: {}, faults: [malformed]}"),
        [UNPLAYED.format("rules", "an http response")],
    ),
    "a fault where no branch can stream": (
        rules("{choose: [{error: timeout}, {reply: a, stream: false}], faults: [malformed]}"),
        [UNPLAYED.format("rules", "an error")],
    ),
    "a fault in a stream of what is never one": (
        rules("{reply: a, stream: false, faults: [crlf, {reset: {after: {events: 2}}}, no_finish]}"),
        [
            f"a.yaml:2 rules[0].faults[{number}]: {name} can never be applied: it needs a stream, and with "
            "`stream: false` nothing is streamed"
            for number, name in enumerate(["crlf", "reset", "no_finish"])
        ],
    ),
    "a fault in a stream that nobody asks for": (
        rules("{match: {stream: false}, reply: a, faults: [malformed]}")
        + modifiers("{match: {stream: false}, faults: [malformed]}"),
        [
            f"a.yaml:{line} {kind}[0].faults[0]: malformed can never be applied: it needs a stream, and with "
            "`stream: false` nothing is streamed"
            for line, kind in ((2, "rules"), (4, "modifiers"))
        ],
    ),
    "a fault on what another server answers": (
        rules('{proxy: "https://a.example", faults: [reset, no_usage]}'),
        [
            f"a.yaml:2 rules[0].faults[{number}]: {name} can never be applied: the response of another "
            "server is forwarded unchanged"
            for number, name in enumerate(["reset", "no_usage"])
        ],
    ),
    "a fault of meaning in a recording": (
        rules('{replay: {frames: ["x"]}, faults: [no_usage, unknown_tool]}'),
        [
            f"a.yaml:2 rules[0].faults[{number}]: {name} can never be applied: it needs a {needs}, and a "
            "recording is sent as bytes"
            for number, (name, needs) in enumerate([("no_usage", "reply"), ("unknown_tool", "call")])
        ],
    ),
    "a place among chunks of what has none": (
        rules("{error: timeout, faults: [{reset: {after: {chunks: 1}}}, error_event]}"),
        [
            f"a.yaml:2 rules[0].faults[{number}]: {name} can never be applied: it needs a reply, "
            "and an error is not one"
            for number, name in enumerate(["reset", "error_event"])
        ],
    ),
    "a step's own fault": (
        rules("{sequence: [{error: timeout, faults: [no_finish]}, {reply: a, faults: [no_finish]}]}"),
        [
            "a.yaml:2 rules[0].sequence[0].faults[0]: no_finish can never be applied: it needs a stream, and an "
            "error is never streamed"
        ],
    ),
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
def test_lint_good_rules_has_no_warning(text: str, tmp_path: Path) -> None:
    assert warnings_of(tmp_path, {"a.yaml": text}) == []


@pytest.mark.parametrize(("text", "expected"), SOME.values(), ids=SOME.keys())
def test_lint_bad_rules_has_expected_warnings(text: str, expected: list[str], tmp_path: Path) -> None:
    assert warnings_of(tmp_path, {"a.yaml": text}) == expected


def test_lint_rule_hidden_by_earlier_file_is_warned(tmp_path: Path) -> None:
    files = {
        "a.yaml": rules("{match: {user: x}, reply: a}"),
        "b.yaml": rules("{match: {user: x, turn: 1}, reply: b}"),
    }
    assert warnings_of(tmp_path, files) == [
        'b.yaml:2 rules[0]: can never respond: "rules[0]" (a.yaml:2) responds to every request that it matches'
    ]


def test_lint_fallback_of_pack_behind_users_has_no_warning(tmp_path: Path) -> None:
    files = {
        "a.yaml": "use: [./p, ./q]\n" + rules("{fallback: true, reply: a}"),
        "p/pack.yaml": 'name: p\nversion: "1"',
        "p/b.yaml": rules("{fallback: true, reply: b}"),
        "q/pack.yaml": 'name: q\nversion: "1"',
        "q/b.yaml": rules("{fallback: true, reply: c}"),
    }
    assert warnings_of(tmp_path, files) == []


def test_lint_pack_rule_hidden_by_user_has_no_warning(tmp_path: Path) -> None:
    files = {
        "a.yaml": "use: [./p]\n" + rules("{reply: a}"),
        "p/pack.yaml": 'name: p\nversion: "1"',
        "p/b.yaml": rules("{match: {user: x}, reply: b}"),
    }
    assert warnings_of(tmp_path, files) == []


PACK: Files = {
    "pack.yaml": """\
name: p
version: "1"
params:
  rate: {type: probability, default: 0%}
  n: {type: integer, default: 0}
""",
    "a.yaml": rules(
        '{match: {user: x}, chance: "${rate}", reply: a}', '{match: {user: y}, times: "${n}", reply: a}'
    ),
}


@pytest.mark.parametrize("sets", [(), ("rate=5%", "n=3")], ids=["by default", "when set"])
def test_lint_rule_of_parameter_has_no_warning(sets: tuple[str, ...], tmp_path: Path) -> None:
    assert warnings_of(tmp_path, PACK, sets) == []


def test_lint_replaced_fallback_without_match_has_no_warning(tmp_path: Path) -> None:
    files = {
        "a.yaml": "use: [./p, ./q]",
        "p/pack.yaml": 'name: p\nversion: "1"',
        "p/b.yaml": "rules:\n- {name: mine, replaces: q:canned, reply: b}",
        "q/pack.yaml": 'name: q\nversion: "1"',
        "q/b.yaml": "rules:\n- {name: canned, fallback: true, reply: b}",
    }
    assert warnings_of(tmp_path, files) == []


def test_control_paths_equal_paths_of_server() -> None:
    paths = {re.sub(r"\{\w+\}", "{}", route.path) for route in ROUTES}
    assert {path for path in paths if path.startswith("/api/")} == CONTROL_PATHS


@pytest.mark.parametrize(
    ("path", "rest"), [("/cohere/v1/models", "/v1/models"), ("{glob: /mcp/*}", "/*"), ("/mcp", "/")]
)
def test_prefix_of_a_provider_is_no_part_of_a_path(tmp_path: Path, path: str, rest: str) -> None:
    name = "mcp" if "mcp" in path else "cohere"
    files = {
        "a.yaml": rules(f"{{match: {{path: {path}}}, http: {{}}}}", "{match: {path: /v1/cohere}, http: {}}")
    }
    assert warnings_of(tmp_path, files, known_names=KnownNames(prefixes={"cohere", "mcp"})) == [
        f"a.yaml:2 rules[0].match.path: /{name} is a provider's prefix: rules match the path after it, "
        f"{{provider: {name}, path: {rest}}}"
    ]


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ("{path: /anthropic/v1/messages}", "{provider: anthropic, path: /v1/messages}"),
        ("{provider: anthropic, path: /anthropic/v1/messages}", "{provider: anthropic, path: /v1/messages}"),
        ("{path: /openai/nowhere}", "{provider: openai, path: /nowhere}"),
        ("{provider: azure, path: /anthropic/v1/messages}", None),
        ("{path: /openai/v1/responses}", None),
        ("{path: /openai/deployments/x/chat/completions}", None),
        ("{path: /anthropic/*}", None),
        ("{path: /elsewhere/v1}", None),
    ],
)
def test_prefix_is_read_by_the_routes(tmp_path: Path, match: str, found: str | None) -> None:
    """Azure has paths that begin with the names of other providers."""
    files = {"a.yaml": rules(f"{{match: {match}, http: {{}}}}")}
    hints = [
        each.partition("after it, ")[2] for each in warnings_of(tmp_path, files, known_names=KNOWN_NAMES)
    ]
    assert [hint for hint in hints if hint] == ([] if found is None else [found])


def test_path_with_prefix_has_one_warning(tmp_path: Path) -> None:
    files = {"a.yaml": rules("{match: {path: /groq/openai/v1/chat/completions}, reply: x}")}
    (warning,) = warnings_of(tmp_path, files, known_names=KNOWN_NAMES)
    assert warning.endswith("{provider: groq, path: /openai/v1/chat/completions}")


TWO = "{chunks: [a, {wait: 1s}, b]}"
ONE_CALL = "{tool_calls: [{name: look}]}"
MORE = ", unless a request asks for several choices"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (f"reply: {TWO}, faults: [{{reset: {{after: {{chunks: 5}}}}}}]", f"only 2 chunks{MORE}"),
        (f"reply: {TWO}, faults: [{{malformed: {{at: {{chunk: 3}}}}}}]", f"only 2 chunks{MORE}"),
        (f"reply: {TWO}, faults: [{{cut_utf8: {{at: {{chunk: 3}}}}}}]", f"only 2 chunks{MORE}"),
        (f"reply: {TWO}, faults: [{{reorder: {{at: {{chunk: 2}}}}}}]", f"only 2 chunks{MORE}"),
        (f"reply: {TWO}, faults: [{{reorder: {{at: {{chunk: 1}}}}}}]", None),
        (f"reply: {TWO}, faults: [{{length_stop: {{after: {{chunks: 3}}}}}}]", "only 2 chunks"),
        (f"reply: {ONE_CALL}, faults: [{{bad_tool_arguments: {{call: 2}}}}]", "only 1 call"),
        (f"reply: {{parts: [{ONE_CALL}]}}, faults: [{{unknown_tool: {{call: 2}}}}]", "only 1 call"),
        (f"reply: {{choices: [{ONE_CALL}, a]}}, faults: [{{unknown_tool: {{call: 2}}}}]", "only 1 call"),
        (
            f"sequence: [{{reply: {TWO}}}], faults: [{{malformed: {{at: {{chunk: 3}}}}}}]",
            f"only 2 chunks{MORE}",
        ),
        (
            "reply: {chunks: [a, {error: overloaded}, b]}, faults: [{reset: {after: {chunks: 2}}}]",
            f"only 1 chunk{MORE}",
        ),
        (f"reply: {TWO}, faults: [bad_gzip, {{malformed: {{at: {{chunk: 3}}}}}}]", f"only 2 chunks{MORE}"),
        (f"reply: {TWO}, faults: [duplicate, {{malformed: {{at: {{chunk: 3}}}}}}]", None),
        (
            f"sequence: [{{reply: {TWO}, faults: [duplicate]}}], faults: [{{malformed: {{at: {{chunk: 3}}}}}}]",
            None,
        ),
        (f"sequence: [{{reply: {TWO}}}, a b c], faults: [{{malformed: {{at: {{chunk: 3}}}}}}]", None),
        (f"reply: {TWO}, faults: [{{reset: {{after: {{chunks: 5}}}}}}, refusal]", None),
        (f"reply: {TWO}, faults: [{{length_stop: {{after: {{chunks: 3}}}}}}, refusal]", None),
        (f"reply: {TWO}, faults: [{{length_stop: {{after: {{chunks: 3}}}}}}, crlf]", "only 2 chunks"),
        (f"reply: {TWO}, faults: [{{reset: {{after: {{chunks: 2}}}}}}]", None),
        (f"reply: {TWO}, faults: [{{reset: {{after: {{chunks: [1, 9]}}}}}}]", None),
        (f"reply: {TWO}, faults: [{{reset: {{after: {{fraction: 50%}}}}}}, crlf]", None),
        (f"reply: {TWO}, faults: [{{malformed: {{at: {{chunk: '{{{{ turn }}}}'}}}}}}]", None),
        ("reply: {chunks: [a], text: a b c}, faults: [{reset: {after: {chunks: 2}}}]", None),
        ("reply: a b c, faults: [{reset: {after: {chunks: 9}}}]", None),
        ("reply: {tool_calls: from_schema}, faults: [{bad_tool_arguments: {call: 2}}]", None),
        (f"reply: {ONE_CALL}, faults: [{{bad_tool_arguments: {{call: 1}}}}, unknown_tool]", None),
        ("error: overloaded, faults: [{reset: {after: {bytes: 5}}}]", None),
    ],
)
def test_fault_beyond_the_end_of_a_reply(tmp_path: Path, rule: str, reason: str | None) -> None:
    found = warnings_of(tmp_path, {"a.yaml": rules(f"{{{rule}}}")})
    beyond = [each.partition("the reply has ")[2] for each in found]
    assert beyond == ([] if reason is None else [reason])
