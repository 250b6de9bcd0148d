"""Scenario folders that change as people, editors and Kubernetes change them."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
from pathlib import Path

from tests.server_client import ServerClient


def rule(user: str, says: str) -> str:
    return f"mockllm: 1\nrules:\n  - {{name: r, match: {{user: {user}}}, reply: {json.dumps(says)}}}\n"


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    """As editors save: a temporary file beside it takes its place."""
    temporary = path.with_name(f".{path.name}.swp")
    temporary.write_text(text)
    os.replace(temporary, path)


def by_backup(path: Path, text: str) -> None:
    """As other editors save: the old file is moved away, and a new one written."""
    os.replace(path, path.with_name(path.name + "~"))
    path.write_text(text)


class ConfigMap:
    """A folder as the kubelet fills it: files are links through `..data`, which is swapped in one rename."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0

    def put(self, **files: str) -> None:
        """All files anew, at once. The version before is removed."""
        old = self.folder / f"..version{self.version}"
        self.version += 1
        new = self.folder / f"..version{self.version}"
        new.mkdir()
        for name, text in files.items():
            (new / f"{name}.yaml").write_text(text)
        link = self.folder / "..data_tmp"
        link.symlink_to(new.name)
        os.replace(link, self.folder / "..data")
        for name in files:
            if not (self.folder / f"{name}.yaml").is_symlink():
                (self.folder / f"{name}.yaml").symlink_to(Path("..data") / f"{name}.yaml")
        if old.is_dir():
            shutil.rmtree(old)


def says(server: ServerClient, user: str) -> str:
    """The text, or the status of what is no text."""
    try:
        return server.ask(user)
    except urllib.error.HTTPError as error:
        error.close()
        return str(error.code)
