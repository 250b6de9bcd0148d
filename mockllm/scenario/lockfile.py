"""`mockllm.lock`: version, source and SHA-256 of each pack that a folder of scenarios uses."""

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
from mockllm.scenario.language.base import NullableSpec
from mockllm.scenario.scenario_folder import read_bytes
from mockllm.scenario.validation_errors import describe_value, diagnostics_of
from mockllm.scenario.yaml_reader import read_source

LOCK_FILE: Final = "mockllm.lock"
FETCHED_FOLDER: Final = os.path.join(".mockllm", "packs")
"""The folder of fetched packs, beside the lockfile; not to be committed."""
VENDOR_FOLDER: Final = "mockllm_packs"
"""The folder into which `pack vendor` copies packs, to be committed."""
NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$"
"""A pack's name: `x`, or `team/x`. It cannot lead to another folder when used as a path."""
_HEAD: Final = "# The packs that these scenarios use, written by `mockllm pack`. Commit it; do not edit it.\n"


def _name(value: str) -> str:
    if len(value) > 100 or re.fullmatch(NAME, value) is None:
        raise quantity_error(
            'the name of a pack is x or team/x, with letters, digits, ".", "_" and "-"; '
            f"found {describe_value(value)}"
        )
    return value


PackName = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME, "maxLength": 100})
]


class LockedPackSpec(NullableSpec):
    """One pack as it was fetched."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]{1,80}$")]
    """The version in the pack's manifest."""
    source: str
    """The source of the pack, as `mockllm pack add` takes it; a path is relative to the lockfile."""
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")] | None = None
    """The commit, if the source is a git repository."""
    branch: Annotated[str, StringConstraints(pattern=r"^[\w./+-]{1,200}$")] | None = None
    """The branch that the pack follows during development; `--frozen` refuses such a pack."""
    signer: str | None = None
    """The signer of the tag; a later version must have the same signer."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The SHA-256 of the pack's files."""


class LockSpec(NullableSpec):
    """The whole lockfile."""

    lock: Literal[1]
    """The version of the lockfile's format."""
    packs: dict[PackName, LockedPackSpec] = Field(default_factory=dict)
    """The packs, by name."""


class Lock(Struct, frozen=True):
    """A lockfile that was read. `path` is absolute."""

    path: str
    packs: Mapping[str, LockedPackSpec] = field(default_factory=dict)
    diagnostics: Sequence[Diagnostic] = ()

    @property
    def folder(self) -> Path:
        return Path(self.path).parent

    def fetched_path(self, name: str) -> Path:
        """Return the folder of a pack of this name if it was fetched."""
        return self.folder / FETCHED_FOLDER / f"{name}@{self.packs[name].version}"

    def vendored_path(self, name: str) -> Path:
        """Return the folder of a pack of this name if it was vendored."""
        return self.folder / VENDOR_FOLDER / name


def lock_path(scenarios: Sequence[str]) -> str:
    """Return the path of the lockfile of these folders. One that exists is in a folder or beside it. A
    new one belongs into the folder of a pack, or beside a folder below the working directory. Else it belongs into
    the first folder, or into the working directory if there are none."""
    for scenario in scenarios:
        folder = os.path.abspath(scenario)
        if not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        for place in (folder, os.path.dirname(folder)):
            if os.path.isfile(os.path.join(place, LOCK_FILE)):
                return os.path.join(place, LOCK_FILE)
    here = os.getcwd()
    for scenario in scenarios:
        beside = os.path.dirname(os.path.abspath(scenario))
        if os.path.isfile(os.path.join(os.path.abspath(scenario), "pack.yaml")):
            return os.path.join(os.path.abspath(scenario), LOCK_FILE)
        if (beside + os.sep).startswith(here.rstrip(os.sep) + os.sep):
            return os.path.join(beside, LOCK_FILE)
    first = os.path.abspath(scenarios[0]) if scenarios else here
    return os.path.join(os.path.dirname(first) if os.path.isfile(first) else first, LOCK_FILE)


def read_lock(path: str) -> Lock:
    """Return the lockfile at a path; an empty one if it does not exist."""
    shown = os.path.relpath(path) if os.path.abspath(path).startswith(os.getcwd() + os.sep) else path
    try:
        content = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return Lock(path)
    except OSError as error:
        return Lock(path, diagnostics=(Diagnostic(shown, 0, 0, "", f"cannot be read: {error.strerror}"),))
    source = read_source(content, shown)
    if source.diagnostics:
        return Lock(path, diagnostics=source.diagnostics)
    try:
        spec = LockSpec.model_validate(source.data)
    except ValidationError as error:
        return Lock(path, diagnostics=diagnostics_of(error, source, (), LockSpec))
    return Lock(path, spec.packs)


def lock_text(packs: Mapping[str, LockedPackSpec]) -> str:
    """Return the content of the lockfile with these packs; the same text for the same packs."""
    lines = [_HEAD, "lock: 1\n", "packs:\n" if packs else "packs: {}\n"]
    for name in sorted(packs):
        lines.append(f"  {json.dumps(name)}:\n")
        for key, value in packs[name].model_dump(exclude_none=True).items():
            lines.append(f"    {key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
