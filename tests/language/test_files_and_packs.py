"""Files and packs: the files in use, ids of rules, parameters, use, reload."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent

import pytest

from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.file_loader import LoadedFiles
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import (
    ScenarioText,
    VirtualServer,
    cases,
    chat_request,
    diagnostics_of,
    load_scenario_files,
    respond_all,
    respond_once,
    response_texts,
    rule_names,
)

CITY = 'name: p\nversion: "1"\nparams: {city: {default: Paris, env: CITY}, n: {type: integer, default: 1}}\n'
SAYS_CITY = "rules: [{reply: 'in ${city}'}]"


# --- files ---------------------------------------------------------------------------


def test_folder_files_at_any_depth_are_loaded() -> None:
    files = {
        "b.yml": "rules: [{name: b, reply: x}]",
        "deep/er/a.yaml": "rules: [{name: a, reply: x}]",
        "notes.txt": ": no yaml",
        ".hidden.yaml": ": no yaml",
        "..data/c.yaml": ": no yaml",
    }
    assert [entry.id for entry in load_scenario_files(files).entries] == ["b.yml:b", "deep/er/a.yaml:a"]


SCALARS: list[tuple[str, str, str]] = [
    ("a date is a text", "2024-01-01", "2024-01-01"),
    ("a number with underscores is a text", "1_000", "1_000"),
    ("yes is a text", "yes", "yes"),
    ("no is a text", "no", "no"),
    ("a time is a text", "12:30:45", "12:30:45"),
    ("a number in quotes is a text", "'12'", "12"),
]


@cases("scalar, message", SCALARS)
def test_scalars_follow_yaml_1_2(scalar: str, message: str) -> None:
    assert response_texts(f"rules:\n  - reply: {scalar}", chat_request()) == [message]


@pytest.mark.parametrize("scalar", ["12", "1.5", "true", "0x1F"])
def test_number_for_text_is_diagnostic(scalar: str) -> None:
    (result,) = diagnostics_of(f"rules:\n  - reply: {scalar}")
    assert result.startswith("rules[0].reply: expected")


def test_diagnostics_of_all_files_are_listed() -> None:
    files = {
        "a.yaml": "rules: [{reply: x, delay: 5}, {relpy: x}]",
        "b.yaml": "rules: [{match: {user: 1}, reply: x}]",
    }
    result = [str(diagnostic).partition(" ")[0] for diagnostic in load_scenario_files(files).diagnostics]
    assert result == ["s/a.yaml:1:27:", "s/a.yaml:1:32:", "s/b.yaml:1:24:"]


def test_language_version_is_checked() -> None:
    assert response_texts("mockllm: 1\nrules: [{reply: x}]", chat_request()) == ["x"]
    assert len(diagnostics_of("mockllm: 2\nrules: [{reply: x}]")) == 1


# --- names and ids -------------------------------------------------------------------------------


def test_names_are_unique_within_a_file() -> None:
    (result,) = diagnostics_of("rules: [{name: a, reply: x}, {name: a, reply: y}]")
    assert result == 'rules[1].name: "a" is also the name in line 1; names are unique in a file'
    assert diagnostics_of("rules: [{name: a, reply: x}]\nmodifiers: [{name: a, delay: 1s}]")
    assert not diagnostics_of(
        {"a.yaml": "rules: [{name: a, reply: x}]", "b.yaml": "rules: [{name: a, reply: x}]"}
    )


def test_rule_id_has_file_and_name() -> None:
    files = {
        "a.yaml": "use: [./p]\nrules: [{name: greeting, reply: x}, {reply: y}]\nmodifiers: [{delay: 1s}]",
        "p/pack.yaml": CITY,
        "p/sub/b.yaml": "rules: [{name: made, reply: x}, {reply: y}, {reply: z}]",
    }
    assert [entry.id for entry in load_scenario_files(files).entries] == [
        "a.yaml:greeting",
        "a.yaml:rules[1]",
        "p/sub/b.yaml:made",
        "p/sub/b.yaml:rules[1]",
        "p/sub/b.yaml:rules[2]",
        "a.yaml:modifiers[0]",
    ]


def test_folder_named_like_pack_has_distinct_ids() -> None:
    files = {
        "p/b.yaml": "rules: [{name: made, match: {user: mine}, reply: x}]",
        "q/b.yaml": "rules: [{name: made, match: {user: hers}, reply: x}]",
        "a.yaml": "use: [./packs/p]\nrules: [{replaces: 'p:made', reply: y}, {replaces: './p/b.yaml:made', reply: z}]",
        "packs/p/pack.yaml": CITY,
        "packs/p/b.yaml": "rules: [{name: made, reply: x}]",
    }
    apart = {**files, "a.yaml": "use: [./packs/p]"}
    assert [entry.id for entry in load_scenario_files(apart).entries] == [
        "./p/b.yaml:made",
        "q/b.yaml:made",
        "p/b.yaml:made",
    ]
    assert [entry.id for entry in load_scenario_files({**apart, "a.yaml": "rules: []"}).entries] == [
        "p/b.yaml:made",
        "q/b.yaml:made",
    ]
    assert [entry.id for entry in load_scenario_files(files).entries] == [
        "a.yaml:rules[1]",
        "q/b.yaml:made",
        "a.yaml:rules[0]",
    ]


# --- parameters ----------------------------------------------------------------------------------


def test_parameter_value_has_first_origin() -> None:
    """Option, environment, with, default: the first that is set."""
    used = {"a.yaml": "use: [{pack: ./p, with: {city: Rome}}]", "p/pack.yaml": CITY, "p/b.yaml": SAYS_CITY}
    plain = {**used, "a.yaml": "use: [./p]"}
    rome, oslo, bern = {"CITY": "Oslo"}, ["p.city=Bern"], ["city=Bern"]
    assert response_texts(plain, chat_request()) == ["in Paris"]
    assert response_texts(used, chat_request()) == ["in Rome"]
    assert response_texts(used, chat_request(), environment=rome) == ["in Oslo"]
    assert response_texts(used, chat_request(), environment=rome, sets=oslo) == ["in Bern"]
    assert response_texts(used, chat_request(), environment=rome, sets=bern) == ["in Bern"]
    assert response_texts(used, chat_request(), environment={"CITY": ""}) == ["in Rome"]


TYPED: list[tuple[str, str, list[str], list[str]]] = [
    ("string", "string", ["x", "7"], []),
    ("integer", "integer", ["7", "-1"], ["7.5", "x"]),
    ("number", "number", ["7.5", "7"], ["x"]),
    ("boolean", "boolean", ["true", "false"], ["maybe"]),
    ("duration", "duration", ["300ms"], ["300", "soon"]),
    ("probability", "probability", ["5%", "0.5"], ["5", "often"]),
    ("allowed values", "[calm, storm]", ["storm"], ["strom"]),
]


@cases("kind, good, bad", TYPED)
def test_parameters_are_typed(kind: str, good: list[str], bad: list[str]) -> None:
    files = {
        "pack.yaml": f'name: p\nversion: "1"\nparams: {{x: {{type: {kind}}}}}',
        "a.yaml": "rules: [{reply: x}]",
    }
    assert [diagnostics_of(files, sets=[f"x={text}"]) for text in good] == [[]] * len(good)
    assert [len(diagnostics_of(files, sets=[f"x={text}"])) for text in bad] == [1] * len(bad)


def test_unset_parameter_is_null() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nparams: {x: {default: null, env: X}}',
        "a.yaml": "rules: [{name: set, enabled: {x: {exists: true}}, reply: '${x}'}, {name: unset, reply: y}]",
    }
    assert rule_names(files, chat_request()) == ["unset"]
    assert rule_names(files, chat_request(), environment={"X": ""}) == ["unset"]
    assert response_texts(files, chat_request(), environment={"X": "here"}) == ["here"]


def test_changed_parameter_changes_rule() -> None:
    files = {"pack.yaml": CITY, "a.yaml": SAYS_CITY}
    first_item, two = (load_scenario_files(files, sets=[f"city={city}"]).entries[0] for city in ("A", "B"))
    assert (first_item.id == two.id, first_item.key == two.key) == (True, False)


# --- use -----------------------------------------------------------------------------------------


def test_subfolder_with_manifest_is_loaded_if_used() -> None:
    files = {"a.yaml": "rules: [{reply: x}]", "p/pack.yaml": CITY, "p/b.yaml": "rules: [{reply: y}]"}
    assert len(load_scenario_files(files).entries) == 1
    assert len(load_scenario_files({**files, "a.yaml": "use: [./p]"}).entries) == 1


def test_root_folder_with_manifest_is_pack() -> None:
    files = {"pack.yaml": CITY, "b.yaml": SAYS_CITY}
    response = respond_once(files)
    assert (response.text, response.id) == ("in Paris", "p/b.yaml:rules[0]")


USES: list[tuple[str, ScenarioText, str]] = [
    ("a pack that is not there", "use: [nonsense]", 'there is no pack "nonsense"'),
    ("a near name", "use: [defalt]", 'did you mean "default"?'),
    ("a folder that is not there", "use: [./p]", 'there is no folder "./p"'),
    (
        "a second with that differs",
        {"a.yaml": "use: [{pack: ./p, with: {n: 1}}, {pack: ./p, with: {n: 2}}]", "p/pack.yaml": CITY},
        "the pack p is loaded once",
    ),
    ("a parameter that is not there", {"a.yaml": "use: [{pack: ./p, with: {m: 1}}]", "p/pack.yaml": CITY}, "no such parameter"),
    ("a value of another type", {"a.yaml": "use: [{pack: ./p, with: {n: x}}]", "p/pack.yaml": CITY}, "expected a whole number"),
    ("a manifest that holds rules", {"pack.yaml": CITY + "rules: []"}, "put its rules into another file"),
    ("a pack that reaches outside", {"a.yaml": "use: [./p]", "p/pack.yaml": CITY + "use: [../q]", "q/pack.yaml": CITY}, "outside"),
    ("a text outside of the pack", {"a.yaml": "use: [./p]", "x.md": "", "p/pack.yaml": CITY, "p/b.yaml": "rules: [{reply: {text: {file: ../x.md}}}]"}, "outside"),
    ("a file that is not there", {"a.yaml": "rules: [{reply: {text: {file: x.md}}}]", "x.mdx": ""}, 'did you mean "x.mdx"?'),
]  # fmt: skip


@cases("files, message", USES)
def test_bad_use_has_diagnostic(files: ScenarioText, message: str) -> None:
    assert message in " ".join(diagnostics_of(files))


def test_with_reads_parameters_of_using_pack() -> None:
    files = {
        "pack.yaml": 'name: outer\nversion: "1"\nparams: {town: {default: Bonn}}\nuse: [{pack: ./p, with: {city: "${town}"}}]',
        "p/pack.yaml": CITY,
        "p/b.yaml": SAYS_CITY,
    }
    assert response_texts(files, chat_request()) == ["in Bonn"]


def test_every_bundled_pack_responds_alone() -> None:
    for name in (
        "default",
        "request-controls",
        "error-models",
        "benchmark",
        "vllm",
        "weather",
        "agent-loops",
        "coding-agents",
        "gateway-drill",
        "parsers",
    ):
        response = respond_once({"a.yaml": ""}, packs=[name])
        assert response.status == 200, name
        assert response.id is not None
        assert response.id.startswith(f"{name}/"), response.id


# --- reload --------------------------------------------------------------------------------------


class ReloadingServer:
    """A folder that is loaded several times, on the same state."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.folder, self.state = folder, EngineState()
        self.last: LoadedFiles | None = None
        self.gathered = self.load(**files)

    def load(self, **files: str) -> LoadedScenarios:
        for name, text in files.items():
            (self.folder / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
        expected = ScenarioSources([str(self.folder)], known_names=KnownNames(PROVIDERS, DIALECT_NAMES, APIS))
        result = load_scenarios(expected, self.last)
        self.last = result.loaded
        catalog = run_steps(compile_catalog(result.entries))
        self.state.retain(catalog.keys)
        self.game = VirtualServer("rules: [{reply: hi}]")
        self.game.engine = Engine(catalog, self.state, stale=result.stale)
        return result

    def response_texts(self, *users: str) -> list[str]:
        return [self.game.respond(chat_request(user)).text for user in users]


def test_reload_broken_file_serves_last_version(tmp_path: Path) -> None:
    server = ReloadingServer(tmp_path, a="rules: [{match: {user: a}, reply: one}]", b="rules: [{reply: b}]")
    result = server.load(a="rules: [{match: {user: a}, reply: ]", b="rules: [{reply: new}]")
    assert server.response_texts("a", "b") == ["one", "new"]
    assert [(Path(each.file).name, each.in_use) for each in result.stale] == [("a.yaml", True)]
    assert "a.yaml" in server.game.engine.info().stale[0].reason
    result = server.load(a="rules: [{match: {user: a}, reply: two}]")
    assert (server.response_texts("a"), result.stale) == (["two"], [])


def test_reload_language_error_serves_last_version(tmp_path: Path) -> None:
    server = ReloadingServer(tmp_path, a="rules: [{match: {user: a}, reply: one}]", b="rules: [{reply: b}]")
    server.load(a="rules: [{match: {usr: a}, reply: two}]")
    assert server.response_texts("a") == ["one"]


def test_reload_new_broken_file_is_left_out(tmp_path: Path) -> None:
    server = ReloadingServer(tmp_path, b="rules: [{reply: b}]")
    result = server.load(a="rules: [{match: {usr: a}, reply: two}]")
    assert server.response_texts("a") == ["b"]
    assert [(Path(each.file).name, each.in_use) for each in result.stale] == [("a.yaml", False)]


@pytest.mark.parametrize(
    "message", ["reply: {text: {file: ans.md}}", "http: {status: 200, body_file: ans.md}"]
)
def test_reload_missing_body_file_serves_last_version_of_both(tmp_path: Path, message: str) -> None:
    (tmp_path / "ans.md").write_text("one")
    server = ReloadingServer(
        tmp_path, a=f"rules: [{{match: {{user: a}}, {message}}}]", b="rules: [{reply: b}]"
    )
    (tmp_path / "ans.md").unlink()
    for text in ("b", "c", "d"):
        server.last = pickle.loads(pickle.dumps(server.last))
        result = server.load(b=f"rules: [{{reply: {text}}}]")
        assert (b"one" in server.game.respond(chat_request("a")).bytes, server.response_texts("hi")) == (
            True,
            [text],
        )
        (stale,) = result.stale
        assert (Path(stale.file).name, stale.in_use) == ("a.yaml", True)
        assert 'there is no file "ans.md"' in stale.reason
    (tmp_path / "ans.md").write_text("two")
    assert server.load().stale == []
    assert b"two" in server.game.respond(chat_request("a")).bytes


def test_reload_missing_delay_file_serves_last_version(tmp_path: Path) -> None:
    (tmp_path / "ms.csv").write_text("100ms\n")
    server = ReloadingServer(tmp_path, a="rules: [{reply: a, delay: {empirical: ms.csv}}]")
    (tmp_path / "ms.csv").unlink()
    assert [each.in_use for each in server.load().stale] == [True]
    assert server.response_texts("hi") == ["a"]


def test_reload_conflict_is_reported_for_later_file(tmp_path: Path) -> None:
    server = ReloadingServer(
        tmp_path, a="rules: [{name: r, reply: a}]", b="rules: [{replaces: 'a.yaml:r', reply: b}]"
    )
    assert server.response_texts("hi") == ["b"]
    result = server.load(a="rules: [{name: other, reply: a}]")
    assert [Path(each.file).name for each in result.stale] == ["b.yaml"]
    assert server.response_texts("hi") == ["a"]


def test_reload_unchanged_rule_has_same_counts(tmp_path: Path) -> None:
    server = ReloadingServer(
        tmp_path,
        a="rules: [{name: s, match: {user: s}, sequence: [a, b, c]}, {name: t, match: {user: t}, sequence: [a, b, c]}]",
    )
    assert server.response_texts("s", "t") == ["a", "a"]
    server.load(
        a="# moved\nrules: [{name: t, match: {user: t}, sequence: [a, b, new]}, {name: s, match: {user: s}, sequence: [a, b, c]}]"
    )
    assert server.response_texts("s", "t", "s") == ["b", "a", "c"]


def test_reload_moved_rule_has_new_line(tmp_path: Path) -> None:
    server = ReloadingServer(tmp_path, a="rules:\n  - {name: r, times: 0, reply: x}")
    server.load(a="\n\nrules:\n  - {name: r, times: 0, reply: x}")
    assert "a.yaml:4 r: matched, but used up" in server.game.respond(chat_request()).message


def test_reload_order_is_of_new_files(tmp_path: Path) -> None:
    server = ReloadingServer(tmp_path, a="rules: [{name: one, reply: one}, {name: two, reply: two}]")
    server.load(a="rules: [{name: two, reply: two}, {name: one, reply: one}]")
    assert server.response_texts("hi") == ["two"]


def test_respond_all_uses_fresh_state() -> None:
    yaml = "rules: [{sequence: [a, b]}]"
    assert [each.text for each in respond_all(yaml, chat_request())] == [
        each.text for each in respond_all(yaml, chat_request())
    ]
