"""A pack out of a git repository, at a tag or a commit.

Nothing is ever checked out: files are read from git's own objects, so that no hook, filter, link or submodule of
a stranger's repository takes effect. Each fetch has a folder of its own, which goes when it ends.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mockllm.packing.origins import Place
from mockllm.scenario.tree import LARGEST_TREE, MOST_FILES, Refused, Tree, hidden
from mockllm.scenario.versions import Version, parse_version

PATIENCE: Final = 120.0
"""Seconds for one command of git."""
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_SAFE: Final = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "core.fsmonitor=false",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A commit of a repository that was fetched into `folder`."""

    folder: Path
    commit: str


def tags(url: str, here: Path) -> dict[Version, str]:
    """The tags of a repository that are versions: `v1.2.0` or `1.2.0`."""
    found: dict[Version, str] = {}
    for line in _git("ls-remote", "--tags", "--", _where(url, here)).decode("utf-8", "replace").splitlines():
        name = line.rpartition("refs/tags/")[2].removesuffix("^{}")
        try:
            found[parse_version(name)] = name
        except ValueError:
            continue
    return found


@contextmanager
def fetched(place: Place, here: Path) -> Iterator[Found]:
    """The commit that a place names, in a bare repository that is there for the while."""
    assert place.ref is not None
    with tempfile.TemporaryDirectory(prefix="mockllm-git-") as name:
        folder = Path(name)
        _git("init", "--quiet", "--bare", "--template=", str(folder))
        yield Found(folder, _fetch(folder, _where(place.where, here), place.ref))


def _fetch(folder: Path, url: str, ref: str) -> str:
    def fetch(*specs: str) -> bool:
        try:
            _git("fetch", "--quiet", "--no-tags", "--depth=1", "--", url, *specs, folder=folder)
        except Refused:
            return False
        return True

    if not _COMMIT.fullmatch(ref):
        if fetch(f"+refs/tags/{ref}:refs/mockllm"):
            return _commit(folder, "refs/mockllm")
        listed = _git(
            "ls-remote", "--heads", "--", url, f"refs/heads/{ref}"
        )  # says what is wrong with the URL
        if listed.strip():
            raise Refused(f'"{ref}" is a branch of {url}, which moves; give a tag or a commit')
        raise Refused(f'{url} has no tag "{ref}"')
    if len(ref) >= 40 and fetch(f"+{ref}:refs/mockllm"):
        return _commit(folder, "refs/mockllm")
    if fetch(f"+refs/tags/{ref}:refs/mockllm"):
        return _commit(folder, "refs/mockllm")
    _git(
        "fetch", "--quiet", "--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", folder=folder
    )
    try:
        return _commit(folder, ref)
    except Refused:
        raise Refused(f'{url} has no commit "{ref}"') from None


def _commit(folder: Path, ref: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", folder=folder).decode().strip()


def read(found: Found, inside: str) -> Tree:
    """The files of a commit below a folder. Links and submodules are refused."""
    wanted: list[tuple[str, str]] = []
    sizes, tree = 0, Tree()
    begin = f"{inside}/" if inside else ""
    listed = _git("ls-tree", "-r", "-z", "-l", "--full-tree", found.commit, folder=found.folder)
    for line in listed.split(b"\0"):
        if not line:
            continue
        about, _, raw = line.partition(b"\t")
        path = raw.decode("utf-8", "surrogateescape")
        if not path.startswith(begin):
            continue
        path = path.removeprefix(begin)
        mode, kind, object_, size = about.decode("ascii").split()
        if hidden(path):
            continue
        if mode == "120000":
            raise Refused(f'"{path}" is a link; put a copy of the file there')
        if kind != "blob":
            raise Refused(f'"{path}" is another repository (a submodule); put its files there')
        tree.expect(path, int(size))
        sizes += int(size)
        wanted.append((path, object_))
        if sizes > LARGEST_TREE or len(wanted) > MOST_FILES:
            raise Refused(f"it holds more than {MOST_FILES} files, or {LARGEST_TREE // 2**20} MiB together")
    asked = "".join(f"{object_}\n" for _, object_ in wanted).encode()
    told = io.BytesIO(_git("cat-file", "--batch", folder=found.folder, given=asked))
    for path, object_ in wanted:
        head = told.readline().split()
        if head[1:2] != [b"blob"]:
            raise Refused(f'"{path}" cannot be read: the repository lacks {object_}')
        tree.add(path, told.read(int(head[2])))
        told.read(1)  # a line end behind each
    return tree


def _where(url: str, here: Path) -> str:
    local = here / url
    return str(local.resolve()) if "://" not in url and local.exists() else url


def _git(*line: str, folder: Path | None = None, given: bytes = b"") -> bytes:
    """What a command of git says; Refused with git's own last words where it fails."""
    place = ("--git-dir", str(folder)) if folder is not None else ()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {
        name: os.environ[name] for name in ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_ASKPASS") if name in os.environ
    }
    env = {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:https:http:ssh", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no word of it can be an option
            ["git", *_SAFE, *place, *line],  # noqa: S607 - the user's own git
            env=env, input=given, capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise Refused("git is not installed, and a pack in a git repository needs it") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"git did not end within {PATIENCE:g} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        words = next(
            (each for each in said if each.startswith(("fatal:", "error:"))), said[-1] if said else "failed"
        )
        raise Refused(f"git: {words.partition(': ')[2] or words}")
    return done.stdout
