"""Packs, archives and repositories that a test makes."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from mockllm.cli.main import main

RULES = "rules: [{name: hi, match: {user: hi}, reply: Hi.}]\n"
EXAMPLE = "examples: [{name: a greeting, request: {user: hi}, expect: {text: Hi.}}]\n"


def manifest(name: str = "team/x", version: str = "1.0.0", more: str = "") -> str:
    return f'name: {name}\nversion: "{version}"\n{more}\n'


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def pack(
    folder: Path, name: str = "team/x", version: str = "1.0.0", more: str = "", rules: str = RULES
) -> Path:
    """A pack in a folder."""
    return write(folder, {"pack.yaml": manifest(name, version, more), "rules.yaml": rules})


def zipped(path: Path, files: Mapping[str, str | bytes], kind: int = zipfile.ZIP_STORED) -> Path:
    """A zip that holds a sound pack, and these."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in {"pack.yaml": manifest(), "rules.yaml": RULES, **files}.items():
            archive.writestr(name, content)
    return path


def git(folder: Path, *line: str, stdin: str = "") -> str:
    """The output of a command of git, the same for each user; it reads `given`."""
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *line],
        cwd=folder, env={**inherited, **who, **alone}, input=stdin, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout.strip()


def repository(folder: Path, *versions: str, name: str = "team/x") -> Path:
    """A repository with a tag for each version; each says its version."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for version in versions:
        pack(
            folder,
            name,
            version,
            rules=f"rules: [{{name: hi, match: {{user: hi}}, reply: Hi from {version}.}}]\n",
        )
        tagged(folder, f"v{version}")
    return folder


def tagged(folder: Path, tag: str) -> str:
    """Commits what is in a repository; the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", tag)
    git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")


def run(*arguments: str | Path) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def all_files(folder: Path) -> set[str]:
    """Everything below a folder, links and pipes too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
