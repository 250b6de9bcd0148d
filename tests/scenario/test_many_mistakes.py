"""Files of others may have any number of mistakes: the list and the search for suggestions are bounded."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mockllm.scenario import pack_resolver
from mockllm.scenario.diagnostics import (
    MAX_DIAGNOSTICS,
    MAX_NAME_LENGTH,
    Diagnostic,
    first_diagnostics,
    limited_suggestions,
    nearest,
)
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from tests.scenario.pack_folders import working_folder, write_files


def test_wrong_keys_of_a_file_hide_no_other_mistakes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "validaton: strict\nrules: [{rply: hi}]\nmodifiers: {a: b}\nmcp: [{name: x, tool: 1}]\n"
    )
    found = load_scenarios(ScenarioSources([str(tmp_path)])).diagnostics
    assert [
        (each.line, each.message.partition(";")[0]) for each in sorted(found, key=lambda each: each.line)
    ] == [
        (1, "unknown key"),
        (2, "unknown key"),
        (3, "expected a list, found a mapping"),
        (4, "unknown key"),
    ]


def test_file_of_another_version_has_no_further_mistakes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mockllm: 2\nrules: [{rply: hi}]\n")
    found = load_scenarios(ScenarioSources([str(tmp_path)])).diagnostics
    assert [each.message for each in found] == ["expected 1, found the number 2"]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of names that each search for a similar name compares."""
    counts: list[int] = []
    search = difflib.get_close_matches

    def counted_search(name: str, names: Iterable[str], **more: Any) -> list[str]:
        names = [*names]
        counts.append(len(names))
        return search(name, names, **more)

    monkeypatch.setattr(difflib, "get_close_matches", counted_search)
    return counts


def mistakes(file: str, count: int) -> list[Diagnostic]:
    return [Diagnostic(file, line, 3, f"rules[{line}]", "unknown key") for line in range(count, 0, -1)]


def test_first_diagnostics_of_few_are_unchanged() -> None:
    few = [*mistakes("b.yaml", MAX_DIAGNOSTICS), *mistakes("a.yaml", 2)]
    assert [*first_diagnostics(few[:900])] == few[:900]
    assert [*first_diagnostics(few)] == [*sorted(few[:MAX_DIAGNOSTICS]), *sorted(few[MAX_DIAGNOSTICS:])]


@pytest.mark.parametrize(("more", "words"), [(1, "1 more mistake"), (20, "20 more mistakes")])
def test_first_diagnostics_of_many_end_with_number_of_rest(more: int, words: str) -> None:
    many = mistakes("a.yaml", MAX_DIAGNOSTICS + more)
    *listed, last = first_diagnostics(many)
    assert listed == sorted(many)[:MAX_DIAGNOSTICS]
    assert last == Diagnostic("a.yaml", MAX_DIAGNOSTICS + 1, 3, "", f"and {words}")


def test_nearest_of_long_name_compares_nothing(compared: list[int]) -> None:
    assert nearest("a" * (MAX_NAME_LENGTH + 1), ["a" * MAX_NAME_LENGTH]) is None
    assert compared == []


def test_limited_suggestions_stop_at_number_of_comparisons(compared: list[int]) -> None:
    with limited_suggestions(5):
        assert [nearest("modle", ["user", "system", "model"]) for _ in range(3)] == ["model", None, None]
    assert compared == [3, 2]
    assert nearest("modle", ["model"]) == "model"


def test_many_unknown_keys_have_bounded_suggestions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: list[int]
) -> None:
    home = working_folder(tmp_path, monkeypatch)
    keys = "".join(f"  faulst{number}: 1\n" for number in range(1500))
    write_files(home, **{"a.yaml": f"rules:\n- match: {{}}\n  reply: a\n{keys}"})
    found = [str(each) for each in load_scenarios(ScenarioSources(("a.yaml",))).diagnostics]
    assert found[0] == 'a.yaml:4:3: rules[0].faulst0: unknown key; did you mean "faults"?'
    assert found[999] == "a.yaml:1003:3: rules[0].faulst999: unknown key"
    assert found[1000:] == ["a.yaml:1004:3: and 500 more mistakes"]
    assert sum(compared) <= 100_000


def test_many_unknown_replacements_have_bounded_suggestions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: list[int]
) -> None:
    home = working_folder(tmp_path, monkeypatch)
    rules = "".join(f'- {{name: n{number}, replaces: "a:z{number}", reply: r}}\n' for number in range(500))
    write_files(home, **{"a.yaml": f"rules:\n{rules}"})
    first, *_, last = load_scenarios(ScenarioSources(("a.yaml",))).diagnostics
    assert first.message == 'there is no rule "a:z0"'
    assert last.message == 'there is no rule "a:z499"'
    assert sum(compared) == 100_000


def test_many_unknown_packs_are_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = working_folder(tmp_path, monkeypatch)
    write_files(home, **{"a.yaml": f"use: [{', '.join(f'p{number}' for number in range(20))}]"})
    searches: list[str] = []

    def counted_search(name: str, search: Callable[[], object]) -> object:
        searches.append(name)
        return search()

    for name in ("installed_packs", "bundled_names"):
        search = partial(counted_search, name, getattr(pack_resolver, name))
        monkeypatch.setattr(pack_resolver, name, search)
    assert len(load_scenarios(ScenarioSources(("a.yaml",))).diagnostics) == 20
    assert sorted(searches) == ["bundled_names", "installed_packs"]
