"""Loading anew: a broken file keeps its last good version; and what is handed to another process."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from mockllm.scenario.file_loader import load_files
from tests.scenario.folders import at_work, ids, pack, write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_work(tmp_path, monkeypatch)


# --- reloading -----------------------------------------------------------------------------------


def test_a_broken_file_keeps_its_last_good_version_while_others_go_on(home: Path) -> None:
    write(home, **{"a.yaml": "rules: [1]", "b.yaml": "rules: [1]"})
    first = load_files(["."])
    write(home, **{"a.yaml": "rules: [", "b.yaml": "rules: [2]", "c.yaml": "rules: {"})
    second = load_files(["."], last=first)
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [
        ("a.yaml", [1]),
        ("b.yaml", [2]),
    ]
    assert second.stale == ("./a.yaml",)
    assert [mistake.file for mistake in second.diagnostics] == ["./a.yaml", "./c.yaml"]
    third = load_files(["."], last=second)
    assert (third.stale, third.files) == (second.stale, second.files)
    write(home, **{"a.yaml": "rules: [3]", "c.yaml": ""})
    fourth = load_files(["."], last=third)
    assert [file.source.data.get("rules") for file in fourth.files] == [[3], [2], None]
    assert (fourth.stale, fourth.diagnostics) == ((), ())


def test_a_file_that_is_found_broken_later_on_is_held_too(home: Path) -> None:
    write(home, **{"a.yaml": "rules: [1]"})
    first = load_files(["."])
    write(home, **{"a.yaml": "rules: [2]", "b.yaml": "rules: [2]"})
    second = load_files(["."], last=first, broken={str(home / "a.yaml"), str(home / "b.yaml")})
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [("a.yaml", [1])]
    assert second.stale == ("./a.yaml",)


def test_a_file_that_is_gone_is_gone(home: Path) -> None:
    write(home, **{"a.yaml": "", "b.yaml": ""})
    first = load_files(["."])
    (home / "a.yaml").unlink()
    assert [file.id for file in load_files(["."], last=first).files] == ["b.yaml"]


def test_a_broken_manifest_keeps_its_last_good_version(home: Path) -> None:
    write(home, **{"a.yaml": "use: [./p]", "p/pack.yaml": pack("p"), "p/b.yaml": "rules: ['${n}']"})
    first = load_files(["."])
    write(home, **{"p/pack.yaml": pack("p", "licence: MIT")})
    second = load_files(["."], last=first)
    assert [file.id for file in second.files] == ["a.yaml", "p/b.yaml"]
    assert second.stale == ("p/pack.yaml",)
    assert [mistake.path for mistake in second.diagnostics] == ["licence"]


def test_a_file_whose_parameter_is_taken_away_keeps_its_last_good_version(home: Path) -> None:
    write(home, **{"pack.yaml": pack("p"), "a.yaml": "rules: ['${n}']", "b.yaml": "enabled: {n: 2}"})
    first = load_files(["."])
    write(home, **{"pack.yaml": pack("p").replace("{n:", "{m:")})
    second = load_files(["."], last=first)
    assert [file.source.data for file in second.files] == [{"rules": [1]}]
    assert [file.id for file in second.disabled] == ["p/b.yaml"]
    assert second.stale == ("./a.yaml", "./b.yaml")


def test_a_root_file_that_uses_what_is_not_there_keeps_what_it_used(home: Path) -> None:
    write(home, **{"a.yaml": "use: [default]"})
    first = load_files(["."])
    write(home, **{"a.yaml": "use: [defualt]"})
    second = load_files(["."], last=first)
    assert [file.id for file in second.files] == ["a.yaml", "default/made.yaml", "controls/c.yaml"]
    assert [mistake.message for mistake in second.diagnostics] == [
        'there is no pack "defualt"; did you mean "default"?'
    ]


LOST = "there is no such file or folder"


@pytest.mark.parametrize("given", ["s", "./s/", "s/a.yaml", "p", "p/pack.yaml"])
def test_what_was_given_and_is_gone_keeps_its_last_good_version(home: Path, given: str) -> None:
    write(home, **{"s/b.yaml": "rules: [1]", "s/a.yaml": "use: [./q]\nrules: [2]"})
    write(home, **{"s/q/pack.yaml": pack("q"), "s/q/c.yaml": "rules: [3]"})
    write(home, **{"p/pack.yaml": pack("p", "use: [./q]"), "p/a.yaml": "", "p/q/pack.yaml": pack("q")})
    first = load_files([given])
    gone = home / ("p" if given.startswith("p") else "s")
    gone.rename(home / "elsewhere")
    last = first
    for _ in range(2):
        last = load_files([given], last=last)
        assert (last.files, last.packs) == (first.files, first.packs)
        assert {mistake.message for mistake in last.diagnostics} == {LOST}
        assert {mistake.file for mistake in last.diagnostics} <= set(last.stale)
        assert first.trees <= last.trees | last.folders
    (home / "elsewhere").rename(gone)
    back = load_files([given], last=last)
    assert (ids(back), back.stale) == (ids(first), ())


def test_a_pack_whose_manifest_is_gone_stays_a_pack(home: Path) -> None:
    write(home, **{"p/pack.yaml": pack("mine"), "p/a.yaml": "rules: ['${n}']"})
    first = load_files(["p"])
    (home / "p" / "pack.yaml").unlink()
    write(home, **{"p/a.yaml": "rules: [2, '${n}']"})
    second = load_files(["p"], last=first)
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [("mine/a.yaml", [2, 1])]
    assert second.stale == ("p/pack.yaml",)


def test_what_was_never_there_has_nothing_to_keep(home: Path) -> None:
    write(home, **{"a.yaml": ""})
    loading = load_files([".", "s"], last=load_files(["."]))
    assert [str(mistake) for mistake in loading.diagnostics] == [f"s: {LOST}"]
    assert loading.stale == ()
    assert str(home / "s") in loading.trees


def test_a_folder_that_cannot_be_read_any_more_keeps_its_last_good_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, **{"s/a.yaml": "rules: [1]"})
    first = load_files(["s"])

    def refuse(folder: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mockllm.scenario.file_loader.scenario_files", refuse)
    second = load_files(["s"], last=first)
    assert second.files == first.files
    assert [str(mistake) for mistake in second.diagnostics] == ["s: cannot be read: Permission denied"]


def test_a_used_pack_that_is_gone_keeps_its_last_good_version_while_its_user_goes_on(home: Path) -> None:
    write(
        home, **{"a.yaml": "use: [./p]\nrules: [1]", "p/pack.yaml": pack("p"), "p/b.yaml": "rules: ['${n}']"}
    )
    first = load_files(["."])
    (home / "p").rename(home.parent / "elsewhere")
    write(home, **{"a.yaml": "use: [./p]\nrules: [2]"})
    second = load_files(["."], last=first)
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [
        ("a.yaml", [2]),
        ("p/b.yaml", [1]),
    ]
    assert [str(mistake) for mistake in second.diagnostics] == [f"p: {LOST}"]
    assert "p" in second.stale
    assert str(home / "p") in second.trees
    write(home, **{"p/pack.yaml": pack("p"), "p/b.yaml": "rules: [3]"})
    third = load_files(["."], last=second)
    assert ids(third) == ["a.yaml", "p/b.yaml"]
    assert third.files[1].source.data == {"rules": [3]}
    write(home, **{"a.yaml": "rules: [2]"})
    assert ids(load_files(["."], last=second)) == ["a.yaml"]


def test_a_pack_that_is_not_there_yet_is_waited_for(home: Path) -> None:
    write(home, **{"s/a.yaml": ""})
    first = load_files(["s"])
    write(home, **{"s/a.yaml": "use: [../p]"})
    second = load_files(["s"], last=first)
    assert [mistake.message for mistake in second.diagnostics] == [
        'there is no folder "../p" beside this file'
    ]
    assert str(home / "p") in second.trees


def test_a_file_that_did_not_change_is_not_parsed_again(home: Path) -> None:
    write(home, **{"a.yaml": "rules: [1]", "b.yaml": "rules: [1]"})
    first = load_files(["."])
    write(home, **{"b.yaml": "rules: [2]"})
    second = load_files(["."], last=first)
    assert second.files[0].raw is first.files[0].raw
    assert second.files[1].raw is not first.files[1].raw


def test_files_can_come_from_elsewhere_than_the_disk(home: Path) -> None:
    write(home, **{"a.yaml": "rules: ["})
    loading = load_files(["."], read=lambda path: b"rules: [1]")
    assert loading.files[0].source.data == {"rules": [1]}


# --- handing over to another process -------------------------------------------------------------


def test_a_loading_can_be_pickled(home: Path) -> None:
    write(home, **{"a.yaml": "use: [./p]\nrules: [{reply: hi}]", "p/pack.yaml": pack("p", "use: [default]")})
    write(
        home,
        **{"p/b.yaml": "rules: [{reply: '${n} {{ user }}'}]", "c.yaml": "enabled: false", "d.yaml": "x: ["},
    )
    loading = load_files(["."])
    again = pickle.loads(pickle.dumps(loading, pickle.HIGHEST_PROTOCOL))
    assert again == loading
    assert again.files[0].source.position(("rules", 0, "reply")) == (2, 17)


def test_a_thousand_rules_are_handed_over_whole(home: Path) -> None:
    rules = "".join(
        f"  - name: r{n}\n    match: {{model: gpt-{n}}}\n    reply: Hi {n}\n" for n in range(1000)
    )
    write(home, **{"a.yaml": f"rules:\n{rules}"})
    loading = load_files(["."])
    handed_over = pickle.loads(pickle.dumps(loading, pickle.HIGHEST_PROTOCOL))
    assert handed_over.files[0].source.data == loading.files[0].source.data
    assert os.path.isabs(loading.files[0].path)
