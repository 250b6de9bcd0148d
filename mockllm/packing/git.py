"""A pack out of a git repository, at a tag or a commit.

Nothing is ever checked out: files are read from git's own objects, so that no hook, filter, link or submodule of
a stranger's repository takes effect. Each fetch has a folder of its own, which goes when it ends. What git says
and fetches is bounded, in bytes and in time: it runs beside us and is looked at meanwhile.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from mockllm.packing.pack_source import PackSource
from mockllm.scenario.pack_files import LARGEST_TREE, MOST_FILES, PackFiles, PackRejected, hidden
from mockllm.scenario.version_ranges import Version, parse_version

PATIENCE: Final = 120.0
"""Seconds for one command of git."""
LARGEST_FETCH: Final = 512 * 1024 * 1024
"""Bytes of a repository that are fetched at most: what else is in it comes with a pack."""
MOST_SAID: Final = 8 * 1024 * 1024
"""Bytes that a command of git may say, beside the files that it is asked for: names of tags and of files."""
SHORTEST, LONGEST_PAUSE, GRACE = 0.005, 0.1, 5.0
"""Seconds between two looks at a command under way, and until one that was asked to end is killed."""
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_SAFE: Final = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "core.fsmonitor=false",
)


class GitFailed(PackRejected):
    """Git ended with an error of its own."""


class FetchedCommit(Struct, frozen=True):
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
def fetched(place: PackSource, here: Path) -> Iterator[FetchedCommit]:
    """The commit that a place names, in a bare repository that is there for the while."""
    assert place.ref is not None
    with tempfile.TemporaryDirectory(prefix="mockllm-git-") as name:
        folder = Path(name, "repository")
        folder.mkdir()
        try:
            _git("init", "--quiet", "--bare", "--template=", str(folder))
            yield FetchedCommit(folder, _fetch(folder, _where(place.where, here), place.ref))
        finally:
            _out_of_reach(folder)


def _out_of_reach(folder: Path) -> None:
    """What git started may outlive it for a moment, and a folder that is written to cannot be removed: under
    another name they no longer find it."""
    with suppress(OSError):
        folder.rename(folder.with_name("gone"))


def _fetch(folder: Path, url: str, ref: str) -> str:
    def fetch(*specs: str) -> bool:
        try:
            _git("fetch", "--quiet", "--no-tags", "--depth=1", "--", url, *specs, folder=folder)
        except GitFailed:
            return False
        return True

    if not _COMMIT.fullmatch(ref):
        if fetch(f"+refs/tags/{ref}:refs/mockllm"):
            return _commit(folder, "refs/mockllm")
        listed = _git(
            "ls-remote", "--heads", "--", url, f"refs/heads/{ref}"
        )  # says what is wrong with the URL
        if listed.strip():
            raise PackRejected(f'"{ref}" is a branch of {url}, which moves; give a tag or a commit')
        raise PackRejected(f'{url} has no tag "{ref}"')
    if len(ref) >= 40 and fetch(f"+{ref}:refs/mockllm"):
        return _commit(folder, "refs/mockllm")
    if fetch(f"+refs/tags/{ref}:refs/mockllm"):
        return _commit(folder, "refs/mockllm")
    _git(
        "fetch", "--quiet", "--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", folder=folder
    )
    try:
        return _commit(folder, ref)
    except GitFailed:
        raise PackRejected(f'{url} has no commit "{ref}"') from None


def _commit(folder: Path, ref: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", folder=folder).decode().strip()


def read(found: FetchedCommit, inside: str) -> PackFiles:
    """The files of a commit below a folder. Links and submodules are refused."""
    wanted: list[tuple[str, str]] = []
    sizes, tree = 0, PackFiles()
    begin = f"{inside}/" if inside else ""
    below = ("--", begin) if begin else ()
    listed = _git("ls-tree", "-r", "-z", "-l", "--full-tree", found.commit, *below, folder=found.folder)
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
            raise PackRejected(f'"{path}" is a link; put a copy of the file there')
        if kind != "blob":
            raise PackRejected(f'"{path}" is another repository (a submodule); put its files there')
        tree.expect(path, int(size))
        sizes += int(size)
        wanted.append((path, object_))
        if sizes > LARGEST_TREE or len(wanted) > MOST_FILES:
            raise PackRejected(
                f"it holds more than {MOST_FILES} files, or {LARGEST_TREE // 2**20} MiB together"
            )
    asked = "".join(f"{object_}\n" for _, object_ in wanted).encode()
    told = io.BytesIO(_git("cat-file", "--batch", folder=found.folder, given=asked, files=sizes))
    for path, object_ in wanted:
        head = told.readline().split()
        if head[1:2] != [b"blob"]:
            raise PackRejected(f'"{path}" cannot be read: the repository lacks {object_}')
        tree.add(path, told.read(int(head[2])))
        told.read(1)  # a line end behind each
    return tree


def _where(url: str, here: Path) -> str:
    local = here / url
    return str(local.resolve()) if "://" not in url and local.exists() else url


def _git(*line: str, folder: Path | None = None, given: bytes = b"", files: int = 0) -> bytes:
    """What a command of git says; Refused with git's own last words where it fails, or where it fetches
    too much, or says more than so many bytes of `files` and what belongs to them."""
    place = ("--git-dir", str(folder)) if folder is not None else ()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {
        name: os.environ[name] for name in ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_ASKPASS") if name in os.environ
    }
    env = {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:https:http:ssh", "LC_ALL": "C"}
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as wrong,
    ):
        asked.write(given)
        asked.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and no word of it can be an option
                ["git", *_SAFE, *place, *line],  # noqa: S607 - the user's own git
                env=env, stdin=asked, stdout=out, stderr=wrong,
            )  # fmt: skip
        except FileNotFoundError:
            raise PackRejected("git is not installed, and a pack in a git repository needs it") from None
        try:
            _watched(process, (out, wrong), MOST_SAID + files, folder)
        finally:
            _end(process)
        out.seek(0)
        if process.returncode:
            wrong.seek(0)
            raise GitFailed(f"git: {_last_words(wrong.read(MOST_SAID))}")
        return out.read()


def _watched(
    process: subprocess.Popen[bytes], says: Sequence[IO[bytes]], most: int, folder: Path | None
) -> None:
    """Waits until it has ended; Refused where it takes too long, says too much or fills the folder."""
    end, pause, ended = time.monotonic() + PATIENCE, SHORTEST, False
    while not ended:
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)
            ended = True
        if any(os.fstat(each.fileno()).st_size > most for each in says):
            raise PackRejected("git says more than a repository of packs can hold")
        if folder is not None and _bytes_in(folder) > LARGEST_FETCH:
            raise PackRejected(
                f"the repository holds more than {LARGEST_FETCH // 2**20} MiB; give a tag or a whole commit, of "
                "which nothing older is fetched, or put the pack into a repository of its own"
            )
        if not ended and time.monotonic() > end:
            raise PackRejected(f"git did not end within {PATIENCE:g} s")
        pause = min(pause * 2, LONGEST_PAUSE)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it, if it has not ended: git ends its own children when it is asked to."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _bytes_in(folder: Path) -> int:
    """What is in a folder by now. Files come and go meanwhile."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found += os.lstat(os.path.join(place, name)).st_size
    return found


def _last_words(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    words = next(
        (each for each in lines if each.startswith(("fatal:", "error:"))), lines[-1] if lines else "failed"
    )
    return words.partition(": ")[2] or words
