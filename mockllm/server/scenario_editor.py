"""The scenario files of one folder, to read and to write: atomically, only if unchanged, and never outside of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from mockllm.recordings.atomic_files import write_file
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.scenario_folder import MANIFEST, SUFFIXES, read_bytes, scenario_files, within
from mockllm.scenario.source_file import content_digest
from mockllm.scenario.typed_entries import EntryTyper
from mockllm.scenario.validation_errors import describe_value
from mockllm.scenario.yaml_reader import read_source

UNDECODED: Final = "\ufffd"
"""What a URL's byte that is no UTF-8 becomes in a name."""


class NotEditable(Exception):
    """A name that is not a scenario file of the folder; the message is for users."""


class FileConflict(Exception):
    """A file that differs from the version that was read. `digest` is that of the present one, empty for no file."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


class FileVersion(Struct, frozen=True):
    """A file: its name below the folder, its content and the digest of its content."""

    name: str
    content: bytes
    digest: str


class ScenarioEditor:
    """Reads and writes the scenario files of a folder. `writable`: whether it may write."""

    def __init__(self, folder: str, known_names: KnownNames, *, writable: bool = False) -> None:
        self.folder = folder
        self.writable = writable
        self._known_names = known_names
        self.refused: Callable[[Catalog], Sequence[Diagnostic]] | None = None
        """Returns why the server cannot serve rules without errors."""

    def names(self) -> Sequence[str]:
        """Return the names of the folder's scenario files; none if it cannot be read."""
        try:
            return scenario_files(Path(self.folder))
        except OSError:
            return []

    def name_of(self, path: str) -> str | None:
        """Return the name of a file by its path; None if it is not a file of the folder."""
        absolute = os.path.abspath(path)
        return os.path.relpath(absolute, self.folder) if within(absolute, self.folder) else None

    def read(self, name: str) -> FileVersion | None:
        """Return a file, or None if it does not exist. Raises NotEditable."""
        try:
            content = read_bytes(self._path(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotEditable(f"{name} cannot be read: {error.strerror}") from None
        return FileVersion(name, content, content_digest(content))

    def write(self, name: str, content: bytes, digest: str) -> FileVersion:
        """Write a file atomically if its present content has this digest; an empty digest is that of no file.
        Raises FileConflict and NotEditable."""
        path = os.path.realpath(self._path(name))  # of a link, the file it leads to
        present = self.read(name)
        if present is None and (not name.isprintable() or UNDECODED in name):
            raise NotEditable(f"{name!r} is no name for a new file: it has characters that cannot be shown")
        found = "" if present is None else present.digest
        if found != digest:
            raise FileConflict(found)
        try:
            mode = None if present is None else os.stat(path).st_mode & 0o777
            write_file(Path(path), content)
            if mode is not None:
                os.chmod(path, mode)
        except OSError as error:
            raise NotEditable(f"{name} cannot be written: {error.strerror}") from None
        return FileVersion(name, content, content_digest(content))

    def diagnostics(self, name: str, content: bytes) -> Sequence[Diagnostic]:
        """Return the errors of a file's text. Its packs are not read: an error in a `use` is found by the reload."""
        source = read_source(content, name)
        if source.diagnostics or source.data is None:
            return source.diagnostics
        if not isinstance(source.data, dict):
            found = describe_value(source.data)
            return [source.diagnostic((), f'a file begins with keys such as "rules:", found {found}')]
        file = LoadedFile(self._path(name), name, source, source, self.folder, "user")
        typer = EntryTyper(self._known_names)
        outline = typer.outline(file)
        if outline is not None:
            typer.items(file, outline, 0, 0)
            typer.read_examples(file, outline.examples, ())
        if self.refused is not None and not typer.diagnostics:
            return self.refused(run_steps(compile_catalog(typer.entries)))
        return sorted(typer.diagnostics)

    def _path(self, name: str) -> str:
        """Return the path of a scenario file. Raises NotEditable for any other name."""
        parts = name.split("/")
        if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            raise NotEditable(f"{name} is not a name of a file below the scenario folder")
        if parts[-1] == MANIFEST:
            raise NotEditable(f"{name} is not a scenario file: it is the manifest of a pack")
        if not name.endswith(SUFFIXES):
            raise NotEditable(f"{name} is not a scenario file: its name ends in .yaml or .yml")
        path = os.path.join(self.folder, *parts)
        if not within(os.path.realpath(path), os.path.realpath(self.folder)):
            raise NotEditable(f"{name} is a link that leads out of the scenario folder")
        return path
