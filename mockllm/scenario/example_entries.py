"""Typed examples, one by one: a file's own tests as they are read when it is loaded, mistakes included.

Apart from rules: nothing of an example is served, so it stays behind when a reload travels between processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, Path, meant
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.language.examples import ExampleSpec
from mockllm.scenario.pack_graph import UsedPack
from mockllm.scenario.pack_params import Kind, checked
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.vocabulary import Vocabulary


class ExampleEntry(Struct, frozen=True):
    """An example. `where` is its file and line, `file` the file's path, `number` its place in there (from 0),
    `pack` the name of the pack that it stands in."""

    where: str
    file: str
    number: int
    pack: str | None
    spec: ExampleSpec

    @property
    def name(self) -> str:
        """What a person knows it by."""
        return self.spec.name or f"examples[{self.number}]"


def read_example(
    file: LoadedFile, item: Any, number: int, packs: Sequence[UsedPack], vocabulary: Vocabulary
) -> ExampleEntry | list[Diagnostic]:
    """One example, or what is wrong with it. Nothing in it is a template."""
    path: Path = ("examples", number)
    try:
        word = ExampleSpec.model_validate(item, context={"vocabulary": vocabulary, "literal": True})
    except ValidationError as error:
        return diagnostics_of(error, file.source, path, ExampleSpec)
    mistakes = _unfit(file, word.with_, (*path, "with"), packs)
    where = f"{file.source.name}:{file.source.where(path).line}"
    return mistakes or ExampleEntry(where, file.path, number, file.pack, word)


def _unfit(
    file: LoadedFile, values: Mapping[str, Json], path: Path, packs: Sequence[UsedPack]
) -> list[Diagnostic]:
    """The values of a `with` that fit no parameter of the packs in use."""
    known: dict[str, list[Kind]] = {}
    for pack in packs:
        for name, kind in pack.params.kinds.items():
            known.setdefault(name, []).append(kind)
            known[f"{pack.word.name}.{name}"] = [kind]
    mistakes = []
    for name, value in values.items():
        if name not in known:
            message = f'no pack in use has a parameter "{name}"{meant(name, known)}'
            mistakes.append(file.source.mistake((*path, name), message, key=True))
            continue
        try:
            checked(known[name][0], value)
        except ValueError as error:
            mistakes.append(file.source.mistake((*path, name), str(error)))
    return mistakes
