"""Folders and packs become files in their order; a broken file keeps its last good version."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from mockllm.scenario.loading import Loading, load_files
from mockllm.scenario.pack import Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; the packs that ship are two."""
    write(
        tmp_path / "shipped",
        **{"default/pack.yaml": pack("default", "use: [controls]"), "default/made.yaml": "rules: []"},
    )
    write(tmp_path / "shipped", **{"controls/pack.yaml": pack("controls"), "controls/c.yaml": "rules: []"})
    monkeypatch.setattr("mockllm.scenario.shipped._home", lambda: tmp_path / "shipped")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def pack(name: str, more: str = "") -> str:
    return f'name: {name}\nversion: "1.0"\nparams: {{n: {{type: integer, default: 1}}}}\n{more}\n'


def ids(loading: Loading) -> list[str]:
    assert [str(mistake) for mistake in loading.mistakes] == []
    return [file.id for file in loading.files]


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
    assert [each.word.name for each in loading.packs] == ["default", "controls", "p", "inner", "q"]
    assert [file.pack for file in loading.files][:3] == [None, None, "default"]
    assert loading.files[4].source.name == "p/x.yaml"
    assert {str(home / "p"), str(home / "p/inner"), str(home)} <= loading.trees


def test_a_folder_with_a_manifest_is_loaded_as_that_pack(home: Path) -> None:
    write(home, **{"p/pack.yaml": pack("mine", "validation: 'off'"), "p/a.yaml": "rules: [{times: '${n}'}]"})
    for given in ("p", "p/pack.yaml"):
        (file,) = load_files([given], settings=Settings(sets=["n=4"])).files
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
    assert loading.mistakes == ()
    assert {each.word.name: each.params.values["n"] for each in loading.packs} == {
        "default": 1,
        "controls": 5,
        "p": 7,
        "q": 7,
    }


def test_the_same_with_twice_is_no_mistake(home: Path) -> None:
    write(
        home, **{"a.yaml": "use: [{pack: controls, with: {n: 5}}, {pack: controls, with: {n: 5}}, controls]"}
    )
    assert load_files(["."]).mistakes == ()


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
    loading = load_files(["."], settings=Settings(sets=["n=5"]))
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
    assert [str(mistake) for mistake in loading.mistakes] == [
        "p/a.yaml: a link that leads out of the pack is not read"
    ]
    assert loading.files == ()


def test_a_file_that_cannot_be_read_is_told(home: Path) -> None:
    (home / "a.yaml").symlink_to("nowhere")
    write(home, **{"b.yaml": ""})
    loading = load_files(["."])
    assert [str(mistake) for mistake in loading.mistakes] == [
        "./a.yaml: cannot be read: No such file or directory"
    ]
    assert [file.id for file in loading.files] == ["b.yaml"]


def test_a_folder_that_cannot_be_read_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mockllm.scenario.loading.scenario_files", refuse)
    assert [str(mistake) for mistake in load_files(["."]).mistakes] == [
        ".: cannot be read: Permission denied"
    ]


def test_all_mistakes_of_all_files_are_told_at_once(home: Path) -> None:
    write(
        home, **{"a.yaml": "a: 1\na: 2", "b.yaml": "rules: [", "c.yaml": "use: [./no]", "d.yaml": "x: ${y}"}
    )
    loading = load_files(["."])
    assert [mistake.file for mistake in loading.mistakes] == ["./a.yaml", "./b.yaml", "./c.yaml", "./d.yaml"]
    assert [file.id for file in loading.files] == [
        "a.yaml",
        "c.yaml",
        "d.yaml",
    ]  # what can be read, to be typed


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
    assert [mistake.file for mistake in second.mistakes] == ["./a.yaml", "./c.yaml"]
    third = load_files(["."], last=second)
    assert (third.stale, third.files) == (second.stale, second.files)
    write(home, **{"a.yaml": "rules: [3]", "c.yaml": ""})
    fourth = load_files(["."], last=third)
    assert [file.source.data.get("rules") for file in fourth.files] == [[3], [2], None]
    assert (fourth.stale, fourth.mistakes) == ((), ())


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
    assert [mistake.path for mistake in second.mistakes] == ["licence"]


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
    assert [mistake.message for mistake in second.mistakes] == [
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
        assert {mistake.message for mistake in last.mistakes} == {LOST}
        assert {mistake.file for mistake in last.mistakes} <= set(last.stale)
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
    assert [str(mistake) for mistake in loading.mistakes] == [f"s: {LOST}"]
    assert loading.stale == ()
    assert str(home / "s") in loading.trees


def test_a_folder_that_cannot_be_read_any_more_keeps_its_last_good_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, **{"s/a.yaml": "rules: [1]"})
    first = load_files(["s"])

    def refuse(folder: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mockllm.scenario.loading.scenario_files", refuse)
    second = load_files(["s"], last=first)
    assert second.files == first.files
    assert [str(mistake) for mistake in second.mistakes] == ["s: cannot be read: Permission denied"]


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
    assert [str(mistake) for mistake in second.mistakes] == [f"p: {LOST}"]
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
    assert [mistake.message for mistake in second.mistakes] == ['there is no folder "../p" beside this file']
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
    assert again.files[0].source.where(("rules", 0, "reply")) == (2, 17)


def test_a_thousand_rules_are_handed_over_whole(home: Path) -> None:
    rules = "".join(
        f"  - name: r{n}\n    match: {{model: gpt-{n}}}\n    reply: Hi {n}\n" for n in range(1000)
    )
    write(home, **{"a.yaml": f"rules:\n{rules}"})
    loading = load_files(["."])
    handed_over = pickle.loads(pickle.dumps(loading, pickle.HIGHEST_PROTOCOL))
    assert handed_over.files[0].source.data == loading.files[0].source.data
    assert os.path.isabs(loading.files[0].path)
