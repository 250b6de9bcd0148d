"""Hostile packs: each is refused with a message that says why, and leaves nothing behind, here or elsewhere."""

from __future__ import annotations

import os
import stat
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.packing.pack_files import (
    RULES,
    all_files,
    git,
    manifest,
    pack,
    repository,
    run,
    tagged,
    write,
    zipped,
)

Make: TypeAlias = Callable[[Path], object]
"""Makes a pack in a folder. Returns its source."""


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    built = zipfile.ZipInfo(name)
    built.external_attr, built.create_system = mode << 16, 3
    return built


def with_entries(*entries: tuple[zipfile.ZipInfo | str, bytes]) -> Make:
    def make(folder: Path) -> Path:
        path = zipped(folder / "x.zip", {})
        with zipfile.ZipFile(path, "a") as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return path

    return make


def with_file(name: str) -> Make:
    return lambda folder: zipped(folder / "x.zip", {name: "x"})


def patched(old: bytes, new: bytes) -> Make:
    """A zip whose bytes were changed by hand."""

    def make(folder: Path) -> Path:
        path = zipped(folder / "x.zip", {"note.txt": "hello " * 50})
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))
        return path

    return make


def no_utf8(folder: Path) -> Path:
    path = zipped(folder / "x.zip", {"n\u00f6te.txt": ""})
    path.write_bytes(path.read_bytes().replace("\u00f6".encode(), b"\xff\xff"))
    return path


def deflated(name: str, content: bytes) -> Make:
    return lambda folder: zipped(folder / "x.zip", {name: content}, zipfile.ZIP_DEFLATED)


def encrypted(folder: Path) -> Path:
    path = zipped(folder / "x.zip", {})
    content = bytearray(path.read_bytes())
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(sign)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(sign, at + 1)
    path.write_bytes(content)
    return path


def many(folder: Path) -> Path:
    return zipped(folder / "x.zip", {f"f{number}.txt": "" for number in range(2001)})


def endless_list(folder: Path) -> Path:
    """A zip whose list names one file two hundred thousand times."""
    with zipfile.ZipFile(folder / "one.zip", "w") as archive:
        archive.writestr("a", "")
    content = (folder / "one.zip").read_bytes()
    head, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entries = content[head:end] * 200_000
    last = content[end:-10] + struct.pack("<IIH", len(entries), head, 0)
    (folder / "x.zip").write_bytes(content[:head] + entries + last)
    return folder / "x.zip"


def nested(folder: Path) -> Path:
    return (
        pack(folder / "p") if write(folder / "p", {"/".join("d" * 13) + "/x.yaml": "rules: []"}) else folder
    )


def linked(target: str, name: str = "passwd.yaml") -> Make:
    def make(folder: Path) -> Path:
        built = pack(folder / "p")
        (built / name).symlink_to(target)
        return built

    return make


def piped(folder: Path) -> Path:
    built = pack(folder / "p")
    os.mkfifo(built / "wait.yaml")
    return built


def holds(text: str, more: str = "", name: str = "team/x", version: str = "1.0.0") -> Make:
    """A folder whose rules are these."""
    return lambda folder: pack(folder / "p", name, version, more, text)


def wheel(points: str) -> Make:
    def make(folder: Path) -> Path:
        files = {"team_x/pack.yaml": manifest(), "x-1.dist-info/entry_points.txt": points}
        path = folder / "x-1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make


def in_git(change: Callable[[Path], object], at: str = "@v2") -> Make:
    def make(folder: Path) -> str:
        built = repository(folder / "repo", "1.0.0")
        change(built)
        tagged(built, "v2")
        return f"{built}{at}"

    return make


def submodule(folder: Path) -> None:
    other = repository(folder.parent / "other", "1.0.0")
    commit = git(other, "rev-parse", "HEAD")
    (folder / "inner").mkdir()
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{commit},inner")


def bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]"
        for below, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    return "\n".join(lines) + "\n"


UNIX: Final = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
CORPUS: Final[list[object]] = [
    # --- archives ---
    pytest.param(with_file("../evil.yaml"), '"../evil.yaml" leads out of the pack', id="zip slip"),
    pytest.param(
        with_file("a/../../evil.yaml"), '"a/../../evil.yaml" leads out of the pack', id="zip slip inside"
    ),
    pytest.param(with_file("/etc/cron.d/evil"), '"/etc/cron.d/evil" is an absolute path', id="absolute"),
    pytest.param(with_file("..\\evil.yaml"), '"..\\evil.yaml" leads out of the pack', id="slip by backslash"),
    pytest.param(with_file("C:/evil.yaml"), '"C:/evil.yaml" is an absolute path', id="a drive"),
    pytest.param(
        with_file("a\nb.yaml"), '"a\\nb.yaml" is a path that not every system allows', id="a line end"
    ),
    pytest.param(
        with_file("con.yaml"),
        '"con.yaml" is a path that not every system allows: "con.yaml" is a device',
        id="a device's name",
    ),
    pytest.param(with_file("setup.py"), '"setup.py" is code; a pack is data', id="code"),
    pytest.param(with_file("evil.pth"), '"evil.pth" is code; a pack is data', id="a path file of Python"),
    pytest.param(
        with_file("RULES.yaml"),
        '"rules.yaml" and "RULES.yaml" are one file on some systems',
        id="two cases of a name",
    ),
    pytest.param(with_file("rules.yaml/x"), '"rules.yaml/x" is inside a file', id="a file as a folder"),
    pytest.param(
        with_entries((entry("etc.yaml", stat.S_IFLNK | 0o777), b"/etc/passwd")),
        '"etc.yaml" is a link',
        id="a link in a zip",
    ),
    pytest.param(
        with_entries((entry("zero.yaml", stat.S_IFCHR | 0o666), b"")),
        '"zero.yaml" is not a file',
        id="a device in a zip",
    ),
    pytest.param(
        deflated("zeros.txt", bytes(8 << 20)),
        '"zeros.txt" is packed more than 200 times: a zip bomb',
        id="zip bomb",
    ),
    pytest.param(
        deflated("large.txt", bytes(17 << 20)),
        '"large.txt" has 17 MiB; a file of a pack may have at most 16 MiB',
        id="one huge file",
    ),
    pytest.param(many, "it has more than 2000 files", id="too many files"),
    pytest.param(endless_list, "it holds more than 2000 files", id="a list without end"),
    pytest.param(nested, "is in more than 12 folders", id="too deep"),
    pytest.param(
        patched(b"note.txt", b"\0ote.txt"),
        "is a path that not every system allows",
        id="a name cut to nothing",
    ),
    pytest.param(
        patched(b"hello hello", b"hullo hullo"), "cannot be read: Bad CRC-32", id="bytes that were changed"
    ),
    pytest.param(
        no_utf8, "cannot be read: the name of a file in it is not UTF-8", id="a name that is no text in a zip"
    ),
    pytest.param(
        lambda _: "x" * 5000, "cannot be read: File name too long", id="a name longer than a system allows"
    ),
    pytest.param(encrypted, "is encrypted, password required", id="a password"),
    pytest.param(
        lambda folder: write(folder, {"x.zip": "no zip"}) / "x.zip",
        "cannot be read: File is not a zip file",
        id="no zip",
    ),
    pytest.param(
        wheel("[console_scripts]\nx = os:system\n"), "the wheel names no pack", id="a wheel without a pack"
    ),
    pytest.param(
        wheel("[mockllm.packs]\nteam/x = ../../etc\n"),
        "it is not a pack: it contains no pack.yaml",
        id="a wheel that points elsewhere",
    ),
    pytest.param(wheel("no ini"), "its entry points cannot be read", id="a wheel with nonsense in it"),
    # --- folders ---
    pytest.param(
        linked("/etc/passwd"),
        '"passwd.yaml" is a link; put a copy of the file there',
        id="a link to a file",
        marks=UNIX,
    ),
    pytest.param(linked("/", "root"), '"root" is a link', id="a link to a folder", marks=UNIX),
    pytest.param(piped, '"wait.yaml" is a pipe, not a file', id="a pipe", marks=UNIX),
    # --- git ---
    pytest.param(
        in_git(lambda folder: (folder / "l.yaml").symlink_to("/etc/passwd")),
        '"l.yaml" is a link',
        id="a link in git",
        marks=UNIX,
    ),
    pytest.param(in_git(submodule), '"inner" is another repository (a submodule)', id="a submodule"),
    pytest.param(
        in_git(lambda folder: None, "@--upload-pack=touch evil"),
        '"--upload-pack=touch evil" is not a tag or commit',
        id="an option as a tag",
    ),
    pytest.param(in_git(lambda folder: None, "@main"), '"main" is a branch of', id="a branch, which moves"),
    pytest.param(lambda folder: "ext::sh -c touch% evil", "would let git run a command", id="git's ext"),
    pytest.param(
        lambda folder: "git+ext::sh -c touch% evil", "would let git run a command", id="git's ext, forced"
    ),
    pytest.param(lambda folder: "fd://17/x@v1", '"fd://" is not fetched', id="another scheme"),
    # --- what is in the files ---
    pytest.param(holds(RULES, name="../../evil"), "pack.yaml:1:7: name:", id="a name that is a path"),
    pytest.param(holds(RULES, name="a/../b"), "pack.yaml:1:7: name:", id="a name with a way up"),
    pytest.param(holds(RULES, version="../1"), '"../1" is not a version', id="a version that is a path"),
    pytest.param(
        holds(RULES, 'requires: {mockllm: ">=99"}'),
        "the pack requires mockllm >=99; this is",
        id="a later mockllm",
    ),
    pytest.param(
        holds(RULES, "requires: {language: 2}"), "written in version 2 of the language", id="a later language"
    ),
    pytest.param(holds(RULES, "use: [../other]"), '"../other" is outside of the pack', id="a use outside"),
    pytest.param(
        holds('rules: [{match: {user: {regex: "(?=(a+)+$)x"}}, reply: x}]'),
        "may take very long on some texts",
        id="a regex that backtracks for ever",
    ),
    pytest.param(
        holds('rules: [{match: {user: {regex: "(.*)(.*)(.*)\\\\1=", ignore_case: true}}, reply: x}]'),
        "may take very long on some texts",
        id="a regex that backtracks in many repeats",
    ),
    pytest.param(
        holds('rules: [{match: {user: {regex: "a{1,32000}b{1,32000}c{1,32000}"}}, reply: x}]'),
        "may take very long on some texts",
        id="a regex with great counts",
    ),
    pytest.param(
        holds("rules: [{match: {user: {regex: '" + "a|" * 400_000 + "b'}}, reply: x}]"),
        "a regex in a pack has at most 10,000 characters",
        id="a huge regex",
    ),
    pytest.param(
        holds(
            "rules: [{match: {user: '" + "${p}" * 20_000 + "'}, reply: x}]",
            f"params: {{p: {{default: {'x' * 50_000}}}}}",
        ),
        "parameters write more than 64 MiB into these files",
        id="a parameter that is put in thousands of times",
        marks=pytest.mark.full,
    ),
    pytest.param(
        holds("rules: [{http: {body_file: ../../../etc/passwd}}]"),
        "is outside of the folder",
        id="a file outside",
    ),
    pytest.param(
        holds("rules: [{http: {body_file: /etc/passwd}}]"),
        "is outside of the folder",
        id="an absolute file",
    ),
    pytest.param(
        holds('rules: [{reply: "{{ request.__class__.__mro__ }}"}]'),
        "rules[0].reply",
        id="a template at Python's insides",
    ),
    pytest.param(
        holds("rules: [{reply: '{{ 9 ** 9 ** 9 }}'}]"), "rules[0].reply", id="a template that grows"
    ),
    pytest.param(
        holds('rules: [{reply: "{% for a in range(999999999) %}x{% endfor %}"}]'),
        "rules[0].reply",
        id="a template that loops",
    ),
    pytest.param(
        holds("rules: [{reply: !!python/object/apply:os.system [id]}]"),
        "rules.yaml:1:",
        id="a tag that is Python",
    ),
    pytest.param(holds(bomb()), "aliases repeat more than 100,000 values", id="aliases that grow"),
    pytest.param(holds("rules: " + "[" * 5000), "rules.yaml:1:", id="brackets without end"),
]


@pytest.mark.parametrize(("make", "message"), CORPUS)
def test_hostile_pack_is_refused_and_leaves_nothing(
    make: Make,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "work" / "scenarios").mkdir(parents=True)
    source = make(tmp_path / "theirs")
    monkeypatch.chdir(tmp_path / "work")
    assert run("pack", "add", str(source)) == 1
    output = capfd.readouterr().err
    assert message in output
    assert "Traceback" not in output
    assert all_files(tmp_path / "work") == set()
    assert [item.name for item in tmp_path.iterdir()] in (["theirs", "work"], ["work", "theirs"])
