"""Typed examples, one by one: the tests of a file as they are read when the file is loaded, errors included.

Separate from rules. Examples are not served, so a reload does not send them between processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from pydantic import ValidationError

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, Path, suggestion
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.examples import ExampleSpec
from mockllm.scenario.pack_graph import UsedPack
from mockllm.scenario.pack_params import ParamType, check_value
from mockllm.scenario.validation_errors import diagnostics_of


class ExampleEntry(Struct, frozen=True):
    """An example. `file` is the file's path, `number` its index in the file,
    `pack` the name of its pack."""

    file_and_line: str
    file: str
    number: int
    pack: str | None
    spec: ExampleSpec

    @property
    def name(self) -> str:
        """The name for users."""
        return self.spec.name or f"examples[{self.number}]"


def read_example(
    file: LoadedFile, item: Json, number: int, packs: Sequence[UsedPack], known_names: KnownNames
) -> ExampleEntry | list[Diagnostic]:
    """Return one example, or its errors. Nothing in an example is a template."""
    path: Path = ("examples", number)
    try:
        spec = ExampleSpec.model_validate(item, context={"known_names": known_names, "literal": True})
    except ValidationError as error:
        return diagnostics_of(error, file.source, path, ExampleSpec)
    diagnostics = _bad_values(file, spec.with_, (*path, "with"), packs)
    where = f"{file.source.name}:{file.source.position(path).line}"
    return diagnostics or ExampleEntry(where, file.path, number, file.pack, spec)


def _bad_values(
    file: LoadedFile, values: Mapping[str, Json], path: Path, packs: Sequence[UsedPack]
) -> list[Diagnostic]:
    """Return diagnostics for the values of a `with` that fit no parameter of the packs in use."""
    known: dict[str, list[ParamType]] = {}
    for pack in packs:
        for name, kind in pack.params.kinds.items():
            known.setdefault(name, []).append(kind)
            known[f"{pack.manifest.name}.{name}"] = [kind]
    diagnostics = []
    for name, value in values.items():
        if name not in known:
            message = f'no pack in use has a parameter "{name}"{suggestion(name, known)}'
            diagnostics.append(file.source.diagnostic((*path, name), message, key=True))
            continue
        try:
            check_value(known[name][0], value)
        except ValueError as error:
            diagnostics.append(file.source.diagnostic((*path, name), str(error)))
    return diagnostics
