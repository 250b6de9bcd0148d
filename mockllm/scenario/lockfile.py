"""`mockllm.lock`: which packs a folder of scenarios was written for: version, source and SHA-256 of each.

Apart from fetching: this reads and writes the file and says where it is and where its packs are kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Struct, field
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, WithJsonSchema

from mockllm.core.quantities.types import quantity_error
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.language.base import Spec
from mockllm.scenario.scenario_folder import read_bytes
from mockllm.scenario.source_file import NOTHING, Source
from mockllm.scenario.validation_errors import diagnostics_of, found_text
from mockllm.scenario.yaml_reader import read_source

LOCK: Final = "mockllm.lock"
KEPT: Final = os.path.join(".mockllm", "packs")
"""Where fetched packs are, beside the lock; not to be committed."""
VENDORED: Final = "mockllm_packs"
"""Where `pack vendor` puts them, to be committed."""
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$"
"""A pack's name: `x`, or `team/x`. Nothing that could lead elsewhere as a path."""
_HEAD: Final = "# The packs that these scenarios use, written by `mockllm pack`. Commit it; do not edit it.\n"


def _name(value: str) -> str:
    if len(value) > 100 or re.fullmatch(NAME, value) is None:
        raise quantity_error(
            f'a pack is called x or team/x, in letters, digits, ".", "_" and "-"; found {found_text(value)}'
        )
    return value


PackName = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME, "maxLength": 100})
]


class LockedPackSpec(Spec):
    """One pack as it was fetched."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]{1,80}$")]
    """The version that its manifest has."""
    source: str
    """Where it came from, as `mockllm pack add` takes it; a path is relative to the lock."""
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")] | None = None
    """Of a git source the commit."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of the pack's files."""


class LockSpec(Spec):
    """The whole file."""

    lock: Literal[1]
    """The version of the file's form."""
    packs: dict[PackName, LockedPackSpec] = Field(default_factory=dict)
    """By name."""


class Lock(Struct, frozen=True):
    """A lock as it was read. `path` is absolute; `source` knows where each entry stands."""

    path: str
    packs: Mapping[str, LockedPackSpec] = field(default_factory=dict)
    source: Source = NOTHING
    mistakes: Sequence[Diagnostic] = ()

    @property
    def folder(self) -> Path:
        return Path(self.path).parent

    def kept(self, name: str) -> Path:
        """Where the pack of this name is, if it was fetched."""
        return self.folder / KEPT / f"{name}@{self.packs[name].version}"

    def vendored(self, name: str) -> Path:
        """Where it is, if it was vendored."""
        return self.folder / VENDORED / name


def lock_path(scenarios: Sequence[str]) -> str:
    """Where the lock of these folders is, or would be: in the first of them or beside it, here where there are
    none."""
    for given in scenarios:
        folder = os.path.abspath(given)
        if not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        for place in (folder, os.path.dirname(folder)):
            if os.path.isfile(os.path.join(place, LOCK)):
                return os.path.join(place, LOCK)
    here = os.getcwd()
    for given in scenarios:
        beside = os.path.dirname(os.path.abspath(given))
        if os.path.isfile(os.path.join(os.path.abspath(given), "pack.yaml")):
            return os.path.join(os.path.abspath(given), LOCK)
        if (beside + os.sep).startswith(here.rstrip(os.sep) + os.sep):
            return os.path.join(beside, LOCK)
    first = os.path.abspath(scenarios[0]) if scenarios else here
    return os.path.join(os.path.dirname(first) if os.path.isfile(first) else first, LOCK)


def read_lock(path: str) -> Lock:
    """The lock at a path; empty where there is none."""
    shown = os.path.relpath(path) if os.path.abspath(path).startswith(os.getcwd() + os.sep) else path
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return Lock(path)
    except OSError as error:
        return Lock(path, mistakes=(Diagnostic(shown, 0, 0, "", f"cannot be read: {error.strerror}"),))
    source = read_source(content, shown)
    if source.mistakes:
        return Lock(path, {}, source, source.mistakes)
    try:
        word = LockSpec.model_validate(source.data)
    except ValidationError as error:
        return Lock(path, {}, source, tuple(diagnostics_of(error, source, (), LockSpec)))
    return Lock(path, word.packs, source)


def lock_text(packs: Mapping[str, LockedPackSpec]) -> str:
    """The file that holds these; the same text for the same packs."""
    lines = [_HEAD, "lock: 1\n", "packs:\n" if packs else "packs: {}\n"]
    for name in sorted(packs):
        lines.append(f"  {json.dumps(name)}:\n")
        for key, value in packs[name].model_dump(exclude_none=True).items():
            lines.append(f"    {key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
