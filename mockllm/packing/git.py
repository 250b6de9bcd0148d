"""Reads a pack from a git repository, at a tag or a commit.

Nothing is checked out: files are read from git's objects, so that no hook, filter, link or submodule of an untrusted
repository takes effect. Each fetch uses a temporary folder. Output and fetched data of git are bounded in bytes and
in time: this process monitors git while it runs.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Final

from msgspec import Struct

from mockllm.packing.pack_source import PackSource
from mockllm.scenario.pack_files import MAX_FILES, MAX_PACK_SIZE, PackFiles, PackRejected, is_ignored
from mockllm.scenario.version_ranges import Version, parse_version

GIT_TIMEOUT: Final = 120.0
"""Seconds for one git command."""
MAX_FETCH: Final = 512 * 1024 * 1024
"""Most bytes fetched from a repository, which may contain more than the pack."""
MAX_OUTPUT: Final = 8 * 1024 * 1024
"""Most bytes of a git command's output besides requested files: names of tags and of files."""
TAIL: Final = 400
"""Bytes at the end of git's messages in which its progress is looked for."""
MIN_PAUSE, MAX_PAUSE, GRACE = 0.005, 0.1, 5.0
"""Seconds between two checks of a running command, and between SIGTERM and SIGKILL."""
UNREAD: Final = "Could not read from remote repository."
"""What git says after a failure of ssh, which has written the reason in the line before."""
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_SIGNED: Final = re.compile(
    rb"(?m)^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----$"
)
_SIGNER: Final = re.compile(r'(?m)^gpg: Good signature from "([^"]+)"|^Good "git" signature for (\S+) with')
_FALSE: Final = re.compile(r"(?mi)BAD signature|incorrect signature|signature verification failed")
_SETTINGS: Final = ("core.hooksPath=/dev/null", "protocol.ext.allow=never", "core.fsmonitor=false")
_PASSED_VARIABLES: Final = ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_ASKPASS")
"""The user's variables for git that a fetch needs; no other variable of git takes effect."""


_COUNTED: Final = re.compile(rb"(Counting|Compressing|Receiving|Resolving) \w+: +\d+% \((\d+)/(\d+)\)")
"""The numbers that `git fetch --progress` writes: the objects so far in this phase, and all of them."""
FETCH_WATCH: ContextVar[Callable[[int, int | None, str], None] | None] = ContextVar(
    "FETCH_WATCH", default=None
)
"""Receives the progress of a fetch: the objects so far, all of them once git knows the number, and git's phase. The
phase is empty before the first and after the last. It is a context variable, because no function between a command
and git uses it."""


class GitFailed(PackRejected):
    """Git reported an error."""


class Signature(Struct, frozen=True):
    """The signature of a tag or archive. `signer` signed it, by the user's keys; without one, `flaw` says why."""

    signer: str | None
    flaw: str = ""


class FetchedCommit(Struct, frozen=True):
    """A commit that was fetched into the repository `folder`. `signature` is that of its tag."""

    folder: Path
    commit: str
    signature: Signature | None = None


def tags(url: str, here: Path) -> dict[Version, str]:
    """Return the tags of a repository that are versions: `v1.2.0` or `1.2.0`."""
    tags: dict[Version, str] = {}
    for line in _git("ls-remote", "--tags", "--", _where(url, here)).decode("utf-8", "replace").splitlines():
        name = line.rpartition("refs/tags/")[2].removesuffix("^{}")
        try:
            tags[parse_version(name)] = name
        except ValueError:
            continue
    return tags


def tag_commit(url: str, tag: str, here: Path) -> str | None:
    """Return the commit of a tag; None where the repository does not have it."""
    refs = (f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}")  # the second is that of a tag with a message
    listed = _git("ls-remote", "--tags", "--", _where(url, here), *refs).decode("utf-8", "replace").split()
    return listed[-2] if listed else None


def branch_commit(url: str, branch: str, here: Path) -> str:
    """Return the newest commit of a branch. Raises PackRejected where the repository does not have it."""
    listed = _git("ls-remote", "--heads", "--", _where(url, here), f"refs/heads/{branch}").decode(
        "utf-8", "replace"
    )
    if not listed.strip():
        raise PackRejected(f'{url} has no branch "{branch}"')
    return listed.split()[0]


@contextmanager
def fetched(place: PackSource, here: Path, *, moving: bool = False) -> Iterator[FetchedCommit]:
    """Fetch the commit of a source into a temporary bare repository. `moving`: its `ref` is a branch; None is the
    repository's own."""
    with TemporaryDirectory(prefix="mockllm-git-") as name:
        folder = Path(name, "repository")
        folder.mkdir()
        try:
            _git("init", "--quiet", "--bare", "--template=", str(folder))
            url = _where(place.where, here)
            if moving or place.ref is None:
                yield FetchedCommit(folder, _fetch_branch(folder, url, place.ref))
            else:
                commit = _fetch(folder, url, place.ref)
                yield FetchedCommit(folder, commit, _tag_signature(folder))
        finally:
            # surviving children of git no longer write into a renamed folder, so it can be removed
            with suppress(OSError):
                folder.rename(folder.with_name("gone"))


def _fetch(folder: Path, url: str, ref: str) -> str:
    def fetch(*specs: str) -> bool:
        try:
            _git("fetch", "--progress", "--no-tags", "--depth=1", "--", url, *specs, folder=folder)
        except GitFailed:
            return False
        return True

    if not _COMMIT.fullmatch(ref):
        if fetch(f"+refs/tags/{ref}:refs/mockllm"):
            return _commit(folder, "refs/mockllm")
        listed = _git("ls-remote", "--heads", "--", url, f"refs/heads/{ref}")  # reports errors of the URL
        if listed.strip():
            raise PackRejected(f'"{ref}" is a branch of {url}, which moves; use a tag or a commit, or --dev')
        raise PackRejected(f'{url} has no tag "{ref}"')
    if len(ref) >= 40 and fetch(f"+{ref}:refs/mockllm"):
        return _commit(folder, "refs/mockllm")
    if fetch(f"+refs/tags/{ref}:refs/mockllm"):
        return _commit(folder, "refs/mockllm")
    _git(
        "fetch",
        "--progress",
        "--",
        url,
        "+refs/heads/*:refs/heads/*",
        "+refs/tags/*:refs/tags/*",
        folder=folder,
    )
    try:
        return _commit(folder, ref)
    except GitFailed:
        raise PackRejected(f'{url} has no commit "{ref}"') from None


def _fetch_branch(folder: Path, url: str, branch: str | None) -> str:
    name = "HEAD" if branch is None else f"refs/heads/{branch}"
    try:
        _git(
            "fetch", "--progress", "--no-tags", "--depth=1", "--", url, f"+{name}:refs/mockllm", folder=folder
        )
    except GitFailed as error:
        if branch is not None and not _git("ls-remote", "--heads", "--", url, name).strip():
            raise PackRejected(f'{url} has no branch "{branch}"') from None
        raise PackRejected(str(error)) from None
    return _commit(folder, "refs/mockllm")


def _tag_signature(folder: Path) -> Signature | None:
    """Return the signature of the fetched tag; None if it has none. Raises PackRejected for a false one.

    `git verify-tag` uses the keys and the configuration of the user (gpg, or `gpg.ssh.allowedSignersFile`).
    """
    kind = _run("cat-file", "-t", "refs/mockllm", folder=folder)
    if kind.output.strip() != b"tag":  # a tag without a message, or a commit
        return None
    if not _SIGNED.search(_git("cat-file", "tag", "refs/mockllm", folder=folder)):
        return None
    ended = _run("verify-tag", "refs/mockllm", folder=folder)
    text = ended.errors.decode("utf-8", "replace")
    if ended.code == 0 and (signer := _SIGNER.search(text)):
        return Signature(signer[1] or signer[2])
    if _FALSE.search(text):
        raise PackRejected("the signature of its tag does not belong to the tag: somebody has changed it")
    return Signature(None, _error_line(ended.errors))


def allowed_signers() -> str | None:
    """Return the file of known signers in the user's configuration of git; None without one, or without git."""
    try:
        ended = _run("config", "--type=path", "--get", "gpg.ssh.allowedSignersFile")
    except PackRejected:
        return None
    path = ended.output.decode("utf-8", "surrogateescape").strip()
    return path if path and Path(path).is_file() else None


def read_file(found: FetchedCommit, path: str, size: int) -> bytes:
    """Return the bytes of one file of a commit. Raises PackRejected if it is absent or larger than `size`."""
    return _git("cat-file", "blob", f"{found.commit}:{path}", folder=found.folder, files=size)


def _commit(folder: Path, ref: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", folder=folder).decode().strip()


def read(found: FetchedCommit, inside: str) -> PackFiles:
    """Return the files of a commit below a folder. Raises PackRejected for links and submodules."""
    objects: list[tuple[str, str]] = []
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
        if is_ignored(path):
            continue
        if mode == "120000":
            raise PackRejected(f'"{path}" is a link; put a copy of the file there')
        if kind != "blob":
            raise PackRejected(f'"{path}" is another repository (a submodule); put its files there')
        tree.expect(path, int(size))
        sizes += int(size)
        objects.append((path, object_))
        if sizes > MAX_PACK_SIZE or len(objects) > MAX_FILES:
            raise PackRejected(
                f"it holds more than {MAX_FILES} files, or {MAX_PACK_SIZE // 2**20} MiB together"
            )
    names = "".join(f"{object_}\n" for _, object_ in objects).encode()
    output = io.BytesIO(_git("cat-file", "--batch", folder=found.folder, stdin=names, files=sizes))
    for path, object_ in objects:
        head = output.readline().split()
        if head[1:2] != [b"blob"]:
            raise PackRejected(f'"{path}" cannot be read: the repository lacks {object_}')
        tree.add(path, output.read(int(head[2])))
        output.read(1)  # a line end after each object
    return tree


def _where(url: str, here: Path) -> str:
    local = here / url
    return str(local.resolve()) if "://" not in url and local.exists() else url


def _git(*line: str, folder: Path | None = None, stdin: bytes = b"", files: int = 0) -> bytes:
    """Run a git command and return its output. Raises PackRejected with git's message if the command fails."""
    ended = _run(*line, folder=folder, stdin=stdin, files=files)
    if ended.code:
        raise GitFailed(f"git: {_error_line(ended.errors)}")
    return ended.output


class _Ended(Struct, frozen=True):
    """A git command that has ended: its exit code, output and messages."""

    code: int
    output: bytes
    errors: bytes


def _run(*line: str, folder: Path | None = None, stdin: bytes = b"", files: int = 0) -> _Ended:
    """Run a git command.

    `stdin` is its input; `files` is the size of requested files. Raises PackRejected if the command fetches too much,
    or writes too much output.
    """
    place = ("--git-dir", str(folder)) if folder is not None else ()
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _PASSED_VARIABLES
    }
    env |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:https:http:ssh", "LC_ALL": "C"}
    with TemporaryFile() as input, TemporaryFile() as out, TemporaryFile() as errors:
        input.write(stdin)
        input.seek(0)
        if (watch := FETCH_WATCH.get()) is not None:  # ssh may ask for a password
            watch(0, None, "")
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and no argument can be an option
                ["git", *chain.from_iterable(("-c", setting) for setting in _SETTINGS), *place, *line],  # noqa: S607 - the user's own git
                env=env, stdin=input, stdout=out, stderr=errors,
            )  # fmt: skip
        except FileNotFoundError:
            raise PackRejected("git is not installed, and a pack in a git repository needs it") from None
        try:
            _monitor(process, (errors, out), MAX_OUTPUT + files, folder)
        finally:
            _end(process)
            if watch is not None:
                watch(0, None, "")
        out.seek(0)
        errors.seek(0)
        return _Ended(process.returncode, out.read(), errors.read(MAX_OUTPUT))


def _monitor(
    process: subprocess.Popen[bytes], outputs: Sequence[IO[bytes]], max_output: int, folder: Path | None
) -> None:
    """Wait for the end of a process; the first of the outputs has its messages. Raises PackRejected on a timeout, too
    much output, or too large a folder."""
    end, pause, ended = time.monotonic() + GIT_TIMEOUT, MIN_PAUSE, False
    watch = FETCH_WATCH.get()
    while not ended:
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)
            ended = True
        if any(os.fstat(output.fileno()).st_size > max_output for output in outputs):
            raise PackRejected("git writes more output than a repository of packs can have")
        if folder is not None and _bytes_in(folder) > MAX_FETCH:
            raise PackRejected(
                f"the repository contains more than {MAX_FETCH // 2**20} MiB; use a tag or a full commit, for "
                "which no history is fetched, or put the pack into a separate repository"
            )
        if not ended and time.monotonic() > end:
            raise PackRejected(f"git did not end within {GIT_TIMEOUT:g} s")
        if watch is not None and folder is not None:
            watch(*_objects(outputs[0]))
        pause = min(pause * 2, MAX_PAUSE)


def _objects(errors: IO[bytes]) -> tuple[int, int | None, str]:
    """Return the number of objects in this phase of a fetch, of all, and the phase, by the end of git's messages."""
    size = os.fstat(errors.fileno()).st_size
    counted = _COUNTED.findall(os.pread(errors.fileno(), TAIL, max(0, size - TAIL)))
    if not counted:
        return 0, None, ""
    phase, done, total = counted[-1]
    return int(done), int(total), phase.decode().lower()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process: on SIGTERM git also ends its children."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _bytes_in(folder: Path) -> int:
    """Return the present size of a folder, whose files may change meanwhile."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.lstat(os.path.join(parent, name)).st_size
    return size


def _error_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1] if lines else "failed"
    place, error = next(
        ((place, line) for place, line in enumerate(lines) if line.startswith(("fatal:", "error:"))),
        (0, last),
    )
    text = error.partition(": ")[2] or error
    if place and text == UNREAD:
        return f"{text.removesuffix('.')} ({lines[place - 1]})"
    return text
