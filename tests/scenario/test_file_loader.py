"""Folders and packs become files in their order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mockllm.scenario.file_loader import load_files
from mockllm.scenario.manifest import ParamSettings
from tests.scenario.pack_folders import file_ids, pack_yaml, working_folder, write_files


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return working_folder(tmp_path, monkeypatch)


def test_load_files_are_sorted_by_path_below_named_folder(home: Path) -> None:
    write_files(
        home, **{"s/b.yaml": "", "s/a.yaml": "# nothing", "s/sub/c.yml": "rules: []", "s/.d.yaml": ":"}
    )
    loaded = load_files(["./s/"])
    assert file_ids(loaded) == ["a.yaml", "b.yaml", "sub/c.yml"]
    assert [file.source.name for file in loaded.files] == ["./s/a.yaml", "./s/b.yaml", "./s/sub/c.yml"]
    assert [file.source.data for file in loaded.files] == [{}, {}, {"rules": []}]
    assert {file.layer for file in loaded.files} == {"user"}
    assert loaded.trees == {str(home / "s")}


def test_load_files_accepts_single_file(home: Path) -> None:
    write_files(home, **{"a.yaml": "rules: []", "b.yaml": ":"})
    loaded = load_files(["a.yaml"])
    assert file_ids(loaded) == ["a.yaml"]
    assert (set(loaded.trees), set(loaded.folders)) == ({str(home / "a.yaml")}, set())


def test_load_files_several_folders_keep_order_and_distinct_ids(home: Path) -> None:
    write_files(home, **{"one/a.yaml": "", "two/a.yaml": "", "two/b.yaml": ""})
    assert file_ids(load_files(["two", "one", "two/b.yaml"])) == ["a.yaml", "b.yaml", "one/a.yaml"]


def test_packs_are_loaded_depth_first_and_once(home: Path) -> None:
    write_files(home, **{"a.yaml": "use: [default, ./p]", "b.yaml": "use: [controls, ./q]"})
    write_files(
        home,
        **{
            "p/pack.yaml": pack_yaml("p", "use: [./inner]"),
            "p/x.yaml": "",
            "p/inner/pack.yaml": pack_yaml("inner"),
        },
    )
    write_files(home, **{"p/inner/y.yaml": "", "q/pack.yaml": pack_yaml("q"), "q/z.yaml": ""})
    loaded = load_files(["."], ["default", "controls"])
    expected = [
        "a.yaml",
        "b.yaml",
        "default/made.yaml",
        "controls/c.yaml",
        "p/x.yaml",
        "inner/y.yaml",
        "q/z.yaml",
    ]
    assert file_ids(loaded) == expected
    assert [each.manifest.name for each in loaded.packs] == ["default", "controls", "p", "inner", "q"]
    assert [file.pack for file in loaded.files][:3] == [None, None, "default"]
    assert loaded.files[4].source.name == "p/x.yaml"
    assert {str(home / "p"), str(home / "p/inner"), str(home)} <= loaded.trees


def test_folder_with_manifest_is_loaded_as_pack(home: Path) -> None:
    write_files(
        home,
        **{"p/pack.yaml": pack_yaml("mine", "validation: 'off'"), "p/a.yaml": "rules: [{times: '${n}'}]"},
    )
    for options in ("p", "p/pack.yaml"):
        (file,) = load_files([options], settings=ParamSettings(sets=["n=4"])).files
        assert (file.id, file.layer, file.pack, file.validation) == ("mine/a.yaml", "pack", "mine", "off")
        assert file.source.name == "p/a.yaml"
        assert file.source.data == {"rules": [{"times": 4}]}
        assert file.params.values == {"n": 4}


def test_use_of_absolute_folder_has_its_relative_path(home: Path) -> None:
    write_files(
        home,
        **{
            "own/a.yaml": f"use: ['{home}/p', '{home}/own/q']",
            "p/pack.yaml": pack_yaml("p"),
            "own/q/pack.yaml": pack_yaml("q"),
        },
    )
    expected = [f'there is no pack "{home}/p"; write "../p"', f'there is no pack "{home}/own/q"; write "./q"']
    loaded = load_files(["own"])
    assert [each.message.partition(" for ")[0] for each in loaded.diagnostics] == expected


def test_packs_in_use_cycle_are_loaded_once(home: Path) -> None:
    write_files(
        home, **{"p/pack.yaml": pack_yaml("p", "use: [{pack: ., with: {n: '${n}'}}, ./q]"), "p/a.yaml": ""}
    )
    write_files(home, **{"p/q/pack.yaml": pack_yaml("q", "use: [default]"), "p/q/b.yaml": ""})
    assert file_ids(load_files(["p"])) == ["p/a.yaml", "q/b.yaml", "default/made.yaml", "controls/c.yaml"]


def test_with_of_any_use_sets_and_passes_parameters(home: Path) -> None:
    write_files(
        home, **{"a.yaml": "use: [default, {pack: ./p, with: {n: 7}}, {pack: controls, with: {n: 5}}]"}
    )
    write_files(
        home,
        **{
            "p/pack.yaml": pack_yaml("p", "use: [{pack: ./q, with: {n: '${n}'}}]"),
            "p/q/pack.yaml": pack_yaml("q"),
        },
    )
    loaded = load_files(["."])
    assert loaded.diagnostics == ()
    assert {each.manifest.name: each.params.values["n"] for each in loaded.packs} == {
        "default": 1,
        "controls": 5,
        "p": 7,
        "q": 7,
    }


def test_same_with_twice_has_no_diagnostic(home: Path) -> None:
    write_files(
        home, **{"a.yaml": "use: [{pack: controls, with: {n: 5}}, {pack: controls, with: {n: 5}}, controls]"}
    )
    assert load_files(["."]).diagnostics == ()


def test_files_of_pack_have_only_and_except_of_use(home: Path) -> None:
    write_files(home, **{"a.yaml": "use: [default, {pack: controls, except: [quota]}]"})
    result, controls = load_files(["."]).files[1:]
    assert result.use is None
    assert controls.use is not None
    assert (controls.use.only, controls.use.except_, controls.use.path) == (None, ("quota",), ("use", 1))


def test_validation_of_file_overrides_pack(home: Path) -> None:
    write_files(
        home,
        **{
            "a.yaml": "validation: lenient\nuse: [./p]",
            "b.yaml": "validation: lax",
            "c.yaml": "validation: [a]",
        },
    )
    write_files(
        home,
        **{
            "p/pack.yaml": pack_yaml("p", "validation: 'off'"),
            "p/d.yaml": "",
            "p/e.yaml": "validation: strict",
        },
    )
    result = {file.id: file.validation for file in load_files(["."]).files}
    assert result == {
        "a.yaml": "lenient",
        "b.yaml": "strict",
        "c.yaml": "strict",
        "p/d.yaml": "off",
        "p/e.yaml": "strict",
    }


def test_parameter_can_disable_whole_file(home: Path) -> None:
    write_files(
        home, **{"pack.yaml": pack_yaml("p"), "a.yaml": "enabled: {n: {gt: 3}}", "b.yaml": "enabled: '${n}'"}
    )
    write_files(home, **{"c.yaml": "enabled: false\nrules: nonsense"})
    loaded = load_files(["."], settings=ParamSettings(sets=["n=5"]))
    assert [file.id for file in loaded.files] == ["p/a.yaml", "p/b.yaml"]
    assert [file.id for file in loaded.disabled] == ["p/c.yaml"]
    assert [file.id for file in load_files(["."]).disabled] == ["p/a.yaml", "p/c.yaml"]


def test_loaded_file_reads_referenced_file(home: Path) -> None:
    write_files(home, **{"s/sub/a.yaml": "", "s/answer.md": "Hello"})
    (file,) = load_files(["s"]).files
    assert file.reference("../answer.md") == b"Hello"
    with pytest.raises(ValueError, match="outside"):
        file.reference("../../other/answer.md")


def test_link_out_of_pack_is_refused(home: Path) -> None:
    write_files(home, **{"p/pack.yaml": pack_yaml("p"), "secret.yaml": "rules: []"})
    (home / "p" / "a.yaml").symlink_to(home / "secret.yaml")
    loaded = load_files(["p"])
    assert [str(diagnostic) for diagnostic in loaded.diagnostics] == [
        "p/a.yaml: a link that leads out of the pack is not read"
    ]
    assert loaded.files == ()


def test_missing_file_gets_the_nearest_name(home: Path) -> None:
    write_files(home, **{"scenarios/hello.yaml": "", "scenarios/hello.yml.orig": "", "scenario.log": ""})
    assert [
        str(diagnostic) for diagnostic in load_files(["scenarios/hello.yml", "scenario"]).diagnostics
    ] == [
        'scenario: there is no such file or folder; did you mean "scenarios"?',
        'scenarios/hello.yml: there is no such file or folder; did you mean "scenarios/hello.yaml"?',
    ]


def test_unreadable_file_has_diagnostic(home: Path) -> None:
    (home / "a.yaml").symlink_to("nowhere")
    write_files(home, **{"b.yaml": ""})
    loaded = load_files(["."])
    assert [str(diagnostic) for diagnostic in loaded.diagnostics] == [
        "./a.yaml: it is a link to nowhere, which does not exist"
    ]
    assert [file.id for file in loaded.files] == ["b.yaml"]


def test_unreadable_folder_has_diagnostic(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> tuple[list[str], list[str]]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mockllm.scenario.file_loader.listed_files", refuse)
    assert [str(diagnostic) for diagnostic in load_files(["."]).diagnostics] == [
        ".: cannot be read: Permission denied"
    ]


def refuse_below(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Refuse what a folder without its rights refuses; root, who runs some tests, may read it all the same."""
    real_stat, real_scandir = os.stat, os.scandir

    def stat(path: str, **settings: bool) -> os.stat_result:
        if folder in Path(path).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return real_stat(path, **settings)

    def scandir(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return real_scandir(path)

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "scandir", scandir)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("s", "s: cannot be read: Permission denied"),
        ("s/a.yaml", "s/a.yaml: cannot be read: Permission denied"),
        (".", "./s: cannot be read: Permission denied"),
    ],
)
def test_folder_without_rights_has_diagnostic(
    home: Path, monkeypatch: pytest.MonkeyPatch, named: str, message: str
) -> None:
    write_files(home, **{"s/a.yaml": ""})
    refuse_below(monkeypatch, home / "s")
    assert [str(diagnostic) for diagnostic in load_files([named]).diagnostics] == [message]


def test_load_files_collects_diagnostics_of_all_files(home: Path) -> None:
    write_files(
        home, **{"a.yaml": "a: 1\na: 2", "b.yaml": "rules: [", "c.yaml": "use: [./no]", "d.yaml": "x: ${y}"}
    )
    loaded = load_files(["."])
    assert [diagnostic.file for diagnostic in loaded.diagnostics] == [
        "./a.yaml",
        "./b.yaml",
        "./c.yaml",
        "./d.yaml",
    ]
    assert [file.id for file in loaded.files] == [
        "a.yaml",
        "c.yaml",
        "d.yaml",
    ]  # what can be read, to be typed
