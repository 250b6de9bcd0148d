"""Folders and packs become files in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.scenario.file_loader import load_files
from mockllm.scenario.manifest import ParamSettings
from tests.scenario.folders import at_work, ids, pack, write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_work(tmp_path, monkeypatch)


def test_files_stand_by_path_under_the_name_that_was_given(home: Path) -> None:
    write(home, **{"s/b.yaml": "", "s/a.yaml": "# nothing", "s/sub/c.yml": "rules: []", "s/.d.yaml": ":"})
    loading = load_files(["./s/"])
    assert ids(loading) == ["a.yaml", "b.yaml", "sub/c.yml"]
    assert [file.source.name for file in loading.files] == ["./s/a.yaml", "./s/b.yaml", "./s/sub/c.yml"]
    assert [file.source.data for file in loading.files] == [{}, {}, {"rules": []}]
    assert {file.layer for file in loading.files} == {"user"}
    assert loading.trees == {str(home / "s")}


def test_a_single_file_will_do(home: Path) -> None:
    write(home, **{"a.yaml": "rules: []", "b.yaml": ":"})
    loading = load_files(["a.yaml"])
    assert ids(loading) == ["a.yaml"]
    assert (set(loading.trees), set(loading.folders)) == (set(), {str(home)})


def test_of_several_folders_the_first_given_stands_first_and_ids_stay_apart(home: Path) -> None:
    write(home, **{"one/a.yaml": "", "two/a.yaml": "", "two/b.yaml": ""})
    assert ids(load_files(["two", "one", "two/b.yaml"])) == ["a.yaml", "b.yaml", "one/a.yaml"]


def test_packs_follow_their_users_depth_first_and_once(home: Path) -> None:
    write(home, **{"a.yaml": "use: [default, ./p]", "b.yaml": "use: [controls, ./q]"})
    write(
        home,
        **{"p/pack.yaml": pack("p", "use: [./inner]"), "p/x.yaml": "", "p/inner/pack.yaml": pack("inner")},
    )
    write(home, **{"p/inner/y.yaml": "", "q/pack.yaml": pack("q"), "q/z.yaml": ""})
    loading = load_files(["."], ["default", "controls"])
    expected = [
        "a.yaml",
        "b.yaml",
        "default/made.yaml",
        "controls/c.yaml",
        "p/x.yaml",
        "inner/y.yaml",
        "q/z.yaml",
    ]
    assert ids(loading) == expected
    assert [each.manifest.name for each in loading.packs] == ["default", "controls", "p", "inner", "q"]
    assert [file.pack for file in loading.files][:3] == [None, None, "default"]
    assert loading.files[4].source.name == "p/x.yaml"
    assert {str(home / "p"), str(home / "p/inner"), str(home)} <= loading.trees


def test_a_folder_with_a_manifest_is_loaded_as_that_pack(home: Path) -> None:
    write(home, **{"p/pack.yaml": pack("mine", "validation: 'off'"), "p/a.yaml": "rules: [{times: '${n}'}]"})
    for given in ("p", "p/pack.yaml"):
        (file,) = load_files([given], settings=ParamSettings(sets=["n=4"])).files
        assert (file.id, file.layer, file.pack, file.validation) == ("mine/a.yaml", "pack", "mine", "off")
        assert file.source.name == "p/a.yaml"
        assert file.source.data == {"rules": [{"times": 4}]}
        assert file.params.values == {"n": 4}


def test_packs_that_use_each_other_are_loaded_once(home: Path) -> None:
    write(home, **{"p/pack.yaml": pack("p", "use: [{pack: ., with: {n: '${n}'}}, ./q]"), "p/a.yaml": ""})
    write(home, **{"p/q/pack.yaml": pack("q", "use: [default]"), "p/q/b.yaml": ""})
    assert ids(load_files(["p"])) == ["p/a.yaml", "q/b.yaml", "default/made.yaml", "controls/c.yaml"]


def test_a_with_is_heard_wherever_it_stands_and_hands_parameters_down(home: Path) -> None:
    write(home, **{"a.yaml": "use: [default, {pack: ./p, with: {n: 7}}, {pack: controls, with: {n: 5}}]"})
    write(
        home,
        **{"p/pack.yaml": pack("p", "use: [{pack: ./q, with: {n: '${n}'}}]"), "p/q/pack.yaml": pack("q")},
    )
    loading = load_files(["."])
    assert loading.diagnostics == ()
    assert {each.manifest.name: each.params.values["n"] for each in loading.packs} == {
        "default": 1,
        "controls": 5,
        "p": 7,
        "q": 7,
    }


def test_the_same_with_twice_is_no_mistake(home: Path) -> None:
    write(
        home, **{"a.yaml": "use: [{pack: controls, with: {n: 5}}, {pack: controls, with: {n: 5}}, controls]"}
    )
    assert load_files(["."]).diagnostics == ()


def test_only_and_except_come_with_the_files_of_the_pack(home: Path) -> None:
    write(home, **{"a.yaml": "use: [default, {pack: controls, except: [quota]}]"})
    made, controls = load_files(["."]).files[1:]
    assert made.use is None
    assert controls.use is not None
    assert (controls.use.only, controls.use.except_, controls.use.path) == (None, ("quota",), ("use", 1))


def test_validation_is_the_files_own_then_the_packs(home: Path) -> None:
    write(
        home,
        **{
            "a.yaml": "validation: lenient\nuse: [./p]",
            "b.yaml": "validation: lax",
            "c.yaml": "validation: [a]",
        },
    )
    write(
        home,
        **{"p/pack.yaml": pack("p", "validation: 'off'"), "p/d.yaml": "", "p/e.yaml": "validation: strict"},
    )
    found = {file.id: file.validation for file in load_files(["."]).files}
    assert found == {
        "a.yaml": "lenient",
        "b.yaml": "strict",
        "c.yaml": "strict",
        "p/d.yaml": "off",
        "p/e.yaml": "strict",
    }


def test_a_whole_file_can_be_switched_off_by_a_parameter(home: Path) -> None:
    write(home, **{"pack.yaml": pack("p"), "a.yaml": "enabled: {n: {gt: 3}}", "b.yaml": "enabled: '${n}'"})
    write(home, **{"c.yaml": "enabled: false\nrules: nonsense"})
    loading = load_files(["."], settings=ParamSettings(sets=["n=5"]))
    assert [file.id for file in loading.files] == ["p/a.yaml", "p/b.yaml"]
    assert [file.id for file in loading.disabled] == ["p/c.yaml"]
    assert [file.id for file in load_files(["."]).disabled] == ["p/a.yaml", "p/c.yaml"]


def test_a_file_reads_what_it_refers_to(home: Path) -> None:
    write(home, **{"s/sub/a.yaml": "", "s/answer.md": "Hello"})
    (file,) = load_files(["s"]).files
    assert file.reference("../answer.md") == b"Hello"
    with pytest.raises(ValueError, match="outside"):
        file.reference("../../other/answer.md")


def test_a_link_out_of_a_pack_is_not_read(home: Path) -> None:
    write(home, **{"p/pack.yaml": pack("p"), "secret.yaml": "rules: []"})
    (home / "p" / "a.yaml").symlink_to(home / "secret.yaml")
    loading = load_files(["p"])
    assert [str(mistake) for mistake in loading.diagnostics] == [
        "p/a.yaml: a link that leads out of the pack is not read"
    ]
    assert loading.files == ()


def test_a_file_that_cannot_be_read_is_told(home: Path) -> None:
    (home / "a.yaml").symlink_to("nowhere")
    write(home, **{"b.yaml": ""})
    loading = load_files(["."])
    assert [str(mistake) for mistake in loading.diagnostics] == [
        "./a.yaml: cannot be read: No such file or directory"
    ]
    assert [file.id for file in loading.files] == ["b.yaml"]


def test_a_folder_that_cannot_be_read_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mockllm.scenario.file_loader.scenario_files", refuse)
    assert [str(mistake) for mistake in load_files(["."]).diagnostics] == [
        ".: cannot be read: Permission denied"
    ]


def test_all_mistakes_of_all_files_are_told_at_once(home: Path) -> None:
    write(
        home, **{"a.yaml": "a: 1\na: 2", "b.yaml": "rules: [", "c.yaml": "use: [./no]", "d.yaml": "x: ${y}"}
    )
    loading = load_files(["."])
    assert [mistake.file for mistake in loading.diagnostics] == [
        "./a.yaml",
        "./b.yaml",
        "./c.yaml",
        "./d.yaml",
    ]
    assert [file.id for file in loading.files] == [
        "a.yaml",
        "c.yaml",
        "d.yaml",
    ]  # what can be read, to be typed
