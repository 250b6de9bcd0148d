"""Files and packs, from folders to answers: which files count, what rules are called, parameters, use, reload."""
# ruff: noqa: E501 - tables of YAML, a case in a line

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent

import pytest

from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.file_loader import LoadedFiles
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.state.sessions import Sessions
from tests.language.playing import Files, Game, chat, first, gathered, mistakes, play, rules, table, texts

CITY = 'name: p\nversion: "1"\nparams: {city: {default: Paris, env: CITY}, n: {type: integer, default: 1}}\n'
SAYS_CITY = "rules: [{reply: 'in ${city}'}]"


# --- which files count ---------------------------------------------------------------------------


def test_yaml_files_below_the_folder_count() -> None:
    files = {
        "b.yml": "rules: [{name: b, reply: x}]",
        "deep/er/a.yaml": "rules: [{name: a, reply: x}]",
        "notes.txt": ": no yaml",
        ".hidden.yaml": ": no yaml",
        "..data/c.yaml": ": no yaml",
    }
    assert [entry.id for entry in gathered(files).entries] == ["b.yml:b", "deep/er/a.yaml:a"]


SCALARS: list[tuple[str, str, str]] = [
    ("a date is a text", "2024-01-01", "2024-01-01"),
    ("a number with underscores is a text", "1_000", "1_000"),
    ("yes is a text", "yes", "yes"),
    ("no is a text", "no", "no"),
    ("a time is a text", "12:30:45", "12:30:45"),
    ("a number in quotes is a text", "'12'", "12"),
]


@table("scalar, said", SCALARS)
def test_scalars_follow_yaml_1_2(scalar: str, said: str) -> None:
    assert texts(f"rules:\n  - reply: {scalar}", chat()) == [said]


@pytest.mark.parametrize("scalar", ["12", "1.5", "true", "0x1F"])
def test_what_is_no_text_is_not_made_one(scalar: str) -> None:
    (found,) = mistakes(f"rules:\n  - reply: {scalar}")
    assert found.startswith("rules[0].reply: expected")


def test_all_mistakes_of_all_files_are_listed() -> None:
    files = {
        "a.yaml": "rules: [{reply: x, delay: 5}, {relpy: x}]",
        "b.yaml": "rules: [{match: {user: 1}, reply: x}]",
    }
    found = [str(mistake).partition(" ")[0] for mistake in gathered(files).diagnostics]
    assert found == ["s/a.yaml:1:27:", "s/a.yaml:1:32:", "s/b.yaml:1:24:"]


def test_the_languages_version() -> None:
    assert texts("mockllm: 1\nrules: [{reply: x}]", chat()) == ["x"]
    assert len(mistakes("mockllm: 2\nrules: [{reply: x}]")) == 1


# --- names and ids -------------------------------------------------------------------------------


def test_names_are_unique_within_a_file() -> None:
    (found,) = mistakes("rules: [{name: a, reply: x}, {name: a, reply: y}]")
    assert found == 'rules[1].name: "a" is also the name in line 1; names are unique in a file'
    assert mistakes("rules: [{name: a, reply: x}]\nmodifiers: [{name: a, delay: 1s}]")
    assert not mistakes({"a.yaml": "rules: [{name: a, reply: x}]", "b.yaml": "rules: [{name: a, reply: x}]"})


def test_a_rules_id() -> None:
    files = {
        "a.yaml": "use: [./p]\nrules: [{name: greeting, reply: x}, {reply: y}]\nmodifiers: [{delay: 1s}]",
        "p/pack.yaml": CITY,
        "p/sub/b.yaml": "rules: [{name: made, reply: x}, {reply: y}, {reply: z}]",
    }
    assert [entry.id for entry in gathered(files).entries] == [
        "a.yaml:greeting",
        "a.yaml:rules[1]",
        "p/sub/b.yaml:made",
        "p/sub/b.yaml:rules[1]",
        "p/sub/b.yaml:rules[2]",
        "a.yaml:modifiers[0]",
    ]


def test_a_folder_called_like_a_used_pack_is_told_apart() -> None:
    files = {
        "p/b.yaml": "rules: [{name: made, match: {user: mine}, reply: x}]",
        "q/b.yaml": "rules: [{name: made, match: {user: hers}, reply: x}]",
        "a.yaml": "use: [./packs/p]\nrules: [{replaces: 'p:made', reply: y}, {replaces: './p/b.yaml:made', reply: z}]",
        "packs/p/pack.yaml": CITY,
        "packs/p/b.yaml": "rules: [{name: made, reply: x}]",
    }
    apart = {**files, "a.yaml": "use: [./packs/p]"}
    assert [entry.id for entry in gathered(apart).entries] == [
        "./p/b.yaml:made",
        "q/b.yaml:made",
        "p/b.yaml:made",
    ]
    assert [entry.id for entry in gathered({**apart, "a.yaml": "rules: []"}).entries] == [
        "p/b.yaml:made",
        "q/b.yaml:made",
    ]
    assert [entry.id for entry in gathered(files).entries] == [
        "a.yaml:rules[1]",
        "q/b.yaml:made",
        "a.yaml:rules[0]",
    ]


# --- parameters ----------------------------------------------------------------------------------


def test_where_a_parameters_value_comes_from() -> None:
    """Option, environment, with, default: the first that is set."""
    used = {"a.yaml": "use: [{pack: ./p, with: {city: Rome}}]", "p/pack.yaml": CITY, "p/b.yaml": SAYS_CITY}
    plain = {**used, "a.yaml": "use: [./p]"}
    rome, oslo, bern = {"CITY": "Oslo"}, ["p.city=Bern"], ["city=Bern"]
    assert texts(plain, chat()) == ["in Paris"]
    assert texts(used, chat()) == ["in Rome"]
    assert texts(used, chat(), environment=rome) == ["in Oslo"]
    assert texts(used, chat(), environment=rome, sets=oslo) == ["in Bern"]
    assert texts(used, chat(), environment=rome, sets=bern) == ["in Bern"]
    assert texts(used, chat(), environment={"CITY": ""}) == ["in Rome"]


TYPED: list[tuple[str, str, list[str], list[str]]] = [
    ("string", "string", ["x", "7"], []),
    ("integer", "integer", ["7", "-1"], ["7.5", "x"]),
    ("number", "number", ["7.5", "7"], ["x"]),
    ("boolean", "boolean", ["true", "false"], ["maybe"]),
    ("duration", "duration", ["300ms"], ["300", "soon"]),
    ("probability", "probability", ["5%", "0.5"], ["5", "often"]),
    ("allowed values", "[calm, storm]", ["storm"], ["strom"]),
]


@table("kind, good, bad", TYPED)
def test_parameters_are_typed(kind: str, good: list[str], bad: list[str]) -> None:
    files = {
        "pack.yaml": f'name: p\nversion: "1"\nparams: {{x: {{type: {kind}}}}}',
        "a.yaml": "rules: [{reply: x}]",
    }
    assert [mistakes(files, sets=[f"x={text}"]) for text in good] == [[]] * len(good)
    assert [len(mistakes(files, sets=[f"x={text}"])) for text in bad] == [1] * len(bad)


def test_an_unset_parameter_is_null() -> None:
    files = {
        "pack.yaml": 'name: p\nversion: "1"\nparams: {x: {default: null, env: X}}',
        "a.yaml": "rules: [{name: set, enabled: {x: {exists: true}}, reply: '${x}'}, {name: unset, reply: y}]",
    }
    assert rules(files, chat()) == ["unset"]
    assert rules(files, chat(), environment={"X": ""}) == ["unset"]
    assert texts(files, chat(), environment={"X": "here"}) == ["here"]


def test_a_change_of_a_parameter_changes_the_rule() -> None:
    files = {"pack.yaml": CITY, "a.yaml": SAYS_CITY}
    one, two = (gathered(files, sets=[f"city={city}"]).entries[0] for city in ("A", "B"))
    assert (one.id == two.id, one.key == two.key) == (True, False)


# --- use -----------------------------------------------------------------------------------------


def test_a_subfolder_with_a_manifest_is_loaded_only_where_it_is_used() -> None:
    files = {"a.yaml": "rules: [{reply: x}]", "p/pack.yaml": CITY, "p/b.yaml": "rules: [{reply: y}]"}
    assert len(gathered(files).entries) == 1
    assert len(gathered({**files, "a.yaml": "use: [./p]"}).entries) == 1


def test_a_folder_that_holds_a_manifest_is_loaded_as_that_pack() -> None:
    files = {"pack.yaml": CITY, "b.yaml": SAYS_CITY}
    heard = first(files)
    assert (heard.text, heard.id) == ("in Paris", "p/b.yaml:rules[0]")


USES: list[tuple[str, Files, str]] = [
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


@table("files, said", USES)
def test_mistakes_in_use(files: Files, said: str) -> None:
    assert said in " ".join(mistakes(files))


def test_with_takes_the_using_packs_parameters() -> None:
    files = {
        "pack.yaml": 'name: outer\nversion: "1"\nparams: {town: {default: Bonn}}\nuse: [{pack: ./p, with: {city: "${town}"}}]',
        "p/pack.yaml": CITY,
        "p/b.yaml": SAYS_CITY,
    }
    assert texts(files, chat()) == ["in Bonn"]


def test_every_shipped_pack_answers_on_its_own() -> None:
    for name in ("default", "request-controls", "error-models", "benchmark", "weather", "agent-loops"):
        heard = first({"a.yaml": ""}, packs=[name])
        assert heard.status == 200, name
        assert heard.id is not None
        assert heard.id.startswith(f"{name}/"), heard.id


# --- reload --------------------------------------------------------------------------------------


class Life:
    """A folder that is loaded again and again, on the same state."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.folder, self.state = folder, Sessions()
        self.last: LoadedFiles | None = None
        self.gathered = self.load(**files)

    def load(self, **files: str) -> LoadedScenarios:
        for name, text in files.items():
            (self.folder / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
        wanted = ScenarioSources([str(self.folder)], vocabulary=Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
        found = load_scenarios(wanted, self.last)
        self.last = found.loading
        catalog = run_steps(compile_catalog(found.entries))
        self.state.keep(catalog.keys)
        self.game = object.__new__(Game)
        self.game.engine = Engine(catalog, self.state, stale=found.stale)
        return found

    def texts(self, *users: str) -> list[str]:
        return [self.game.hear(chat(user)).text for user in users]


def test_a_broken_file_keeps_its_last_good_version(tmp_path: Path) -> None:
    life = Life(tmp_path, a="rules: [{match: {user: a}, reply: one}]", b="rules: [{reply: b}]")
    found = life.load(a="rules: [{match: {user: a}, reply: ]", b="rules: [{reply: new}]")
    assert life.texts("a", "b") == ["one", "new"]
    assert [(Path(each.file).name, each.kept) for each in found.stale] == [("a.yaml", True)]
    assert "a.yaml" in life.game.engine.info().stale[0].reason
    found = life.load(a="rules: [{match: {user: a}, reply: two}]")
    assert (life.texts("a"), found.stale) == (["two"], [])


def test_also_where_the_mistake_is_the_languages(tmp_path: Path) -> None:
    life = Life(tmp_path, a="rules: [{match: {user: a}, reply: one}]", b="rules: [{reply: b}]")
    life.load(a="rules: [{match: {usr: a}, reply: two}]")
    assert life.texts("a") == ["one"]


def test_a_new_file_that_is_broken_is_left_out(tmp_path: Path) -> None:
    life = Life(tmp_path, b="rules: [{reply: b}]")
    found = life.load(a="rules: [{match: {usr: a}, reply: two}]")
    assert life.texts("a") == ["b"]
    assert [(Path(each.file).name, each.kept) for each in found.stale] == [("a.yaml", False)]


@pytest.mark.parametrize("says", ["reply: {text: {file: ans.md}}", "http: {status: 200, body_file: ans.md}"])
def test_a_file_whose_answer_is_gone_keeps_both_in_their_last_good_version(tmp_path: Path, says: str) -> None:
    (tmp_path / "ans.md").write_text("one")
    life = Life(tmp_path, a=f"rules: [{{match: {{user: a}}, {says}}}]", b="rules: [{reply: b}]")
    (tmp_path / "ans.md").unlink()
    for text in ("b", "c", "d"):
        life.last = pickle.loads(pickle.dumps(life.last))
        found = life.load(b=f"rules: [{{reply: {text}}}]")
        assert (b"one" in life.game.hear(chat("a")).bytes, life.texts("hi")) == (True, [text])
        (stale,) = found.stale
        assert (Path(stale.file).name, stale.kept) == ("a.yaml", True)
        assert 'there is no file "ans.md"' in stale.reason
    (tmp_path / "ans.md").write_text("two")
    assert life.load().stale == []
    assert b"two" in life.game.hear(chat("a")).bytes


def test_so_does_one_whose_delays_are_gone(tmp_path: Path) -> None:
    (tmp_path / "ms.csv").write_text("100ms\n")
    life = Life(tmp_path, a="rules: [{reply: a, delay: {empirical: ms.csv}}]")
    (tmp_path / "ms.csv").unlink()
    assert [each.kept for each in life.load().stale] == [True]
    assert life.texts("hi") == ["a"]


def test_a_mistake_between_two_files_is_charged_to_the_later_one(tmp_path: Path) -> None:
    life = Life(tmp_path, a="rules: [{name: r, reply: a}]", b="rules: [{replaces: 'a.yaml:r', reply: b}]")
    assert life.texts("hi") == ["b"]
    found = life.load(a="rules: [{name: other, reply: a}]")
    assert [Path(each.file).name for each in found.stale] == ["b.yaml"]
    assert life.texts("hi") == ["a"]


def test_counts_survive_for_rules_that_did_not_change(tmp_path: Path) -> None:
    life = Life(
        tmp_path,
        a="rules: [{name: s, match: {user: s}, sequence: [a, b, c]}, {name: t, match: {user: t}, sequence: [a, b, c]}]",
    )
    assert life.texts("s", "t") == ["a", "a"]
    life.load(
        a="# moved\nrules: [{name: t, match: {user: t}, sequence: [a, b, new]}, {name: s, match: {user: s}, sequence: [a, b, c]}]"
    )
    assert life.texts("s", "t", "s") == ["b", "a", "c"]


def test_what_moves_keeps_its_answer_and_tells_its_new_line(tmp_path: Path) -> None:
    life = Life(tmp_path, a="rules:\n  - {name: r, times: 0, reply: x}")
    life.load(a="\n\nrules:\n  - {name: r, times: 0, reply: x}")
    assert "a.yaml:4 r: matched, but used up" in life.game.hear(chat()).message


def test_the_order_of_answers_is_that_of_the_new_files(tmp_path: Path) -> None:
    life = Life(tmp_path, a="rules: [{name: one, reply: one}, {name: two, reply: two}]")
    life.load(a="rules: [{name: two, reply: two}, {name: one, reply: one}]")
    assert life.texts("hi") == ["two"]


def test_play_keeps_no_state_between_games() -> None:
    yaml = "rules: [{sequence: [a, b]}]"
    assert [each.text for each in play(yaml, chat())] == [each.text for each in play(yaml, chat())]
