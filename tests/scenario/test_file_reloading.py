"""A reload uses the last good version of a broken file, and loaded files can be sent to another process."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from mockllm.scenario.file_loader import load_files
from tests.scenario.pack_folders import file_ids, pack_yaml, working_folder, write_files


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return working_folder(tmp_path, monkeypatch)


# --- reloading -----------------------------------------------------------------------------------


def test_reload_broken_file_serves_last_version_of_it_only(home: Path) -> None:
    write_files(home, **{"a.yaml": "rules: [1]", "b.yaml": "rules: [1]"})
    first = load_files(["."])
    write_files(home, **{"a.yaml": "rules: [", "b.yaml": "rules: [2]", "c.yaml": "rules: {"})
    second = load_files(["."], last=first)
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [
        ("a.yaml", [1]),
        ("b.yaml", [2]),
    ]
    assert second.stale == ("./a.yaml",)
    assert [diagnostic.file for diagnostic in second.diagnostics] == ["./a.yaml", "./c.yaml"]
    third = load_files(["."], last=second)
    assert (third.stale, third.files) == (second.stale, second.files)
    write_files(home, **{"a.yaml": "rules: [3]", "c.yaml": ""})
    fourth = load_files(["."], last=third)
    assert [file.source.data.get("rules") for file in fourth.files] == [[3], [2], None]
    assert (fourth.stale, fourth.diagnostics) == ((), ())


def test_reload_file_in_broken_serves_last_version(home: Path) -> None:
    write_files(home, **{"a.yaml": "rules: [1]"})
    first = load_files(["."])
    write_files(home, **{"a.yaml": "rules: [2]", "b.yaml": "rules: [2]"})
    second = load_files(["."], last=first, broken={str(home / "a.yaml"), str(home / "b.yaml")})
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [("a.yaml", [1])]
    assert second.stale == ("./a.yaml",)


def test_reload_removed_file_is_removed(home: Path) -> None:
    write_files(home, **{"a.yaml": "", "b.yaml": ""})
    first = load_files(["."])
    (home / "a.yaml").unlink()
    assert [file.id for file in load_files(["."], last=first).files] == ["b.yaml"]


def test_reload_broken_manifest_serves_last_version(home: Path) -> None:
    write_files(
        home, **{"a.yaml": "use: [./p]", "p/pack.yaml": pack_yaml("p"), "p/b.yaml": "rules: ['${n}']"}
    )
    first = load_files(["."])
    write_files(home, **{"p/pack.yaml": pack_yaml("p", "licence: MIT")})
    second = load_files(["."], last=first)
    assert [file.id for file in second.files] == ["a.yaml", "p/b.yaml"]
    assert second.stale == ("p/pack.yaml",)
    assert [diagnostic.path for diagnostic in second.diagnostics] == ["licence"]


def test_reload_file_with_lost_parameter_serves_last_version(home: Path) -> None:
    write_files(
        home, **{"pack.yaml": pack_yaml("p"), "a.yaml": "rules: ['${n}']", "b.yaml": "enabled: {n: 2}"}
    )
    first = load_files(["."])
    write_files(home, **{"pack.yaml": pack_yaml("p").replace("{n:", "{m:")})
    second = load_files(["."], last=first)
    assert [file.source.data for file in second.files] == [{"rules": [1]}]
    assert [file.id for file in second.disabled] == ["p/b.yaml"]
    assert second.stale == ("./a.yaml", "./b.yaml")


def test_reload_root_file_with_missing_use_serves_last_packs(home: Path) -> None:
    write_files(home, **{"a.yaml": "use: [default]"})
    first = load_files(["."])
    write_files(home, **{"a.yaml": "use: [defualt]"})
    second = load_files(["."], last=first)
    assert [file.id for file in second.files] == ["a.yaml", "default/made.yaml", "controls/c.yaml"]
    assert [diagnostic.message for diagnostic in second.diagnostics] == [
        'there is no pack "defualt"; did you mean "default"?'
    ]


LOST = "there is no such file or folder"


@pytest.mark.parametrize("options", ["s", "./s/", "s/a.yaml", "p", "p/pack.yaml"])
def test_reload_missing_root_serves_last_version(home: Path, options: str) -> None:
    write_files(home, **{"s/b.yaml": "rules: [1]", "s/a.yaml": "use: [./q]\nrules: [2]"})
    write_files(home, **{"s/q/pack.yaml": pack_yaml("q"), "s/q/c.yaml": "rules: [3]"})
    write_files(
        home, **{"p/pack.yaml": pack_yaml("p", "use: [./q]"), "p/a.yaml": "", "p/q/pack.yaml": pack_yaml("q")}
    )
    first = load_files([options])
    gone = home / ("p" if options.startswith("p") else "s")
    gone.rename(home / "elsewhere")
    last = first
    for _ in range(2):
        last = load_files([options], last=last)
        assert (last.files, last.packs) == (first.files, first.packs)
        assert {diagnostic.message for diagnostic in last.diagnostics} == {LOST}
        assert {diagnostic.file for diagnostic in last.diagnostics} <= set(last.stale)
        assert first.trees <= last.trees | last.folders
    (home / "elsewhere").rename(gone)
    back = load_files([options], last=last)
    assert (file_ids(back), back.stale) == (file_ids(first), ())


def test_reload_pack_without_manifest_stays_pack(home: Path) -> None:
    write_files(home, **{"p/pack.yaml": pack_yaml("mine"), "p/a.yaml": "rules: ['${n}']"})
    first = load_files(["p"])
    (home / "p" / "pack.yaml").unlink()
    write_files(home, **{"p/a.yaml": "rules: [2, '${n}']"})
    second = load_files(["p"], last=first)
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [("mine/a.yaml", [2, 1])]
    assert second.stale == ("p/pack.yaml",)


def test_reload_path_that_never_existed_is_missing(home: Path) -> None:
    write_files(home, **{"a.yaml": ""})
    loaded = load_files([".", "s"], last=load_files(["."]))
    assert [str(diagnostic) for diagnostic in loaded.diagnostics] == [f"s: {LOST}"]
    assert loaded.stale == ()
    assert str(home / "s") in loaded.trees


def test_reload_unreadable_folder_serves_last_version(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(home, **{"s/a.yaml": "rules: [1]"})
    first = load_files(["s"])

    def refuse(folder: Path) -> tuple[list[str], list[str]]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mockllm.scenario.file_loader.listed_files", refuse)
    second = load_files(["s"], last=first)
    assert second.files == first.files
    assert [str(diagnostic) for diagnostic in second.diagnostics] == ["s: cannot be read: Permission denied"]


def test_reload_missing_used_pack_serves_last_version_of_it(home: Path) -> None:
    write_files(
        home,
        **{"a.yaml": "use: [./p]\nrules: [1]", "p/pack.yaml": pack_yaml("p"), "p/b.yaml": "rules: ['${n}']"},
    )
    first = load_files(["."])
    (home / "p").rename(home.parent / "elsewhere")
    write_files(home, **{"a.yaml": "use: [./p]\nrules: [2]"})
    second = load_files(["."], last=first)
    assert [(file.id, file.source.data["rules"]) for file in second.files] == [
        ("a.yaml", [2]),
        ("p/b.yaml", [1]),
    ]
    assert [str(diagnostic) for diagnostic in second.diagnostics] == [f"p: {LOST}"]
    assert "p" in second.stale
    assert str(home / "p") in second.trees
    write_files(home, **{"p/pack.yaml": pack_yaml("p"), "p/b.yaml": "rules: [3]"})
    third = load_files(["."], last=second)
    assert file_ids(third) == ["a.yaml", "p/b.yaml"]
    assert third.files[1].source.data == {"rules": [3]}
    write_files(home, **{"a.yaml": "rules: [2]"})
    assert file_ids(load_files(["."], last=second)) == ["a.yaml"]


def test_reload_missing_new_pack_is_watched(home: Path) -> None:
    write_files(home, **{"s/a.yaml": ""})
    first = load_files(["s"])
    write_files(home, **{"s/a.yaml": "use: [../p]"})
    second = load_files(["s"], last=first)
    assert [diagnostic.message for diagnostic in second.diagnostics] == [
        'there is no folder "../p" beside this file'
    ]
    assert str(home / "p") in second.trees


def test_reload_unchanged_file_is_not_parsed(home: Path) -> None:
    write_files(home, **{"a.yaml": "rules: [1]", "b.yaml": "rules: [1]"})
    first = load_files(["."])
    write_files(home, **{"b.yaml": "rules: [2]"})
    second = load_files(["."], last=first)
    assert second.files[0].raw is first.files[0].raw
    assert second.files[1].raw is not first.files[1].raw


def test_load_files_reads_through_passed_reader(home: Path) -> None:
    write_files(home, **{"a.yaml": "rules: ["})
    loaded = load_files(["."], read=lambda path: b"rules: [1]")
    assert loaded.files[0].source.data == {"rules": [1]}


# --- pickling -------------------------------------------------------------


def test_loaded_files_can_be_pickled(home: Path) -> None:
    write_files(
        home,
        **{"a.yaml": "use: [./p]\nrules: [{reply: hi}]", "p/pack.yaml": pack_yaml("p", "use: [default]")},
    )
    write_files(
        home,
        **{"p/b.yaml": "rules: [{reply: '${n} {{ user }}'}]", "c.yaml": "enabled: false", "d.yaml": "x: ["},
    )
    loaded = load_files(["."])
    again = pickle.loads(pickle.dumps(loaded, pickle.HIGHEST_PROTOCOL))
    assert again == loaded
    assert again.files[0].source.position(("rules", 0, "reply")) == (2, 17)


def test_loaded_files_of_1000_rules_can_be_pickled(home: Path) -> None:
    rules = "".join(
        f"  - name: r{n}\n    match: {{model: gpt-{n}}}\n    reply: Hi {n}\n" for n in range(1000)
    )
    write_files(home, **{"a.yaml": f"rules:\n{rules}"})
    loaded = load_files(["."])
    handed_over = pickle.loads(pickle.dumps(loaded, pickle.HIGHEST_PROTOCOL))
    assert handed_over.files[0].source.data == loaded.files[0].source.data
    assert os.path.isabs(loaded.files[0].path)
