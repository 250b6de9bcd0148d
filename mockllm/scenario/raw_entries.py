"""A rule or modifier as it is written in a file: where it stands, what it is called, what a model makes of it.

Apart from entries, which are those of them that count, in their order and without a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.values.substituted_text import SubstitutedText
from mockllm.scenario.diagnostics import Diagnostic, Path
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.generated_text import FileText
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec, ImageSpec
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.vocabulary import Vocabulary

Kind: TypeAlias = Literal["rule", "modifier"]
MODELS: Mapping[Kind, type[RuleSpec] | type[ModifierSpec]] = {"rule": RuleSpec, "modifier": ModifierSpec}


class RawEntry(Struct, frozen=True):
    """`data` is what stands there, whatever that is, with parameters put in."""

    file: LoadedFile
    kind: Kind
    index: int
    data: Any

    @property
    def path(self) -> Path:
        return (f"{self.kind}s", self.index)

    @property
    def where(self) -> str:
        """Its file and line."""
        return f"{self.file.source.name}:{self.file.source.where(self.path).line}"

    @property
    def id(self) -> str:
        """What a person reads: `pack/path:name`, or `pack/path:rules[2]` where it has none."""
        name = self.get("name")
        return f"{self.file.id}:{name if isinstance(name, str) and name else f'{self.kind}s[{self.index}]'}"

    @property
    def ids(self) -> frozenset[str]:
        """Its id in all its forms."""
        return frozenset((self.id, *shorts(self.id)))

    @property
    def used(self) -> bool:
        """Whether the `use` of its pack takes it in."""
        use = self.file.use
        if use is None or not isinstance(self.data, dict):
            return True
        name = self.data.get("name")
        if use.only is not None:
            return name in use.only
        return use.except_ is None or name not in use.except_

    @property
    def enabled(self) -> bool:
        """ValueError with a person's message where that cannot be told."""
        return self.file.params.enabled(self.get("enabled", True))

    def get(self, key: str, default: Json = None) -> Json:
        """What a key holds, also where this is no mapping."""
        return self.data.get(key, default) if isinstance(self.data, dict) else default

    def unfilled(self, mistake: Diagnostic) -> bool:
        """Whether a mistake is only about what an unknown parameter left empty, there or below: that is told."""
        return any(
            f"{each.path}.".startswith((f"{mistake.path}.", f"{mistake.path}["))
            for each in self.file.source.mistakes
        )

    def mistake(self, message: str, *below: str | int) -> Diagnostic:
        """A mistake in it."""
        return self.file.source.mistake((*self.path, *below), message)


def raw_entries(file: LoadedFile) -> Iterator[RawEntry]:
    """All that stands in a file, as far as it has the form of one."""
    for kind in MODELS:
        items = file.source.data.get(f"{kind}s") if isinstance(file.source.data, dict) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield RawEntry(file, kind, index, item)


def shorts(id: str) -> tuple[str, ...]:
    """`pack:name` of `pack/path:name`. A pack may be called `team/x`, so each folder above the file may be one."""
    file, _, name = id.rpartition(":")
    folders = file.split("/")[:-1] or [file]
    return tuple(f"{'/'.join(folders[:depth])}:{name}" for depth in range(1, len(folders) + 1))


def word_of(
    kind: Kind,
    item: Json,
    where: str,
    params: Mapping[str, Json],
    read: Callable[[str], bytes],
    vocabulary: Vocabulary | None = None,
    untrusted: bool = False,
) -> Any:
    """A rule or modifier as its model reads it; `read` gives the files that it is typed with. Whether it is
    enabled was settled before. What is `untrusted` may hold nothing that lets the server hang. pydantic's
    ValidationError where it is wrong."""
    context: dict[str, Any] = {"origin": where, "params": params, "vocabulary": vocabulary}
    context["untrusted"] = untrusted
    context["file"] = lambda name: read(name).decode("utf-8", "replace")
    if isinstance(item, dict):
        context["literal"] = item.get("literal") is True
        item = {key: value for key, value in item.items() if key != "enabled"}
    return MODELS[kind].model_validate(item, context=context)


def references(word: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The files that a word names, and where."""
    if isinstance(word, Spec):
        model = type(word)
        names_a_file = _NAMES_A_FILE.get(model)
        for name in sorted(word.model_fields_set):
            value = getattr(word, name)
            if value is not None and type(value) not in _PLAIN:
                yield from references(value, (*path, model.model_fields[name].alias or name))
            elif value is not None and name == names_a_file:
                yield (*path, name), value
    elif isinstance(word, list | tuple):
        for index, child in enumerate(word):
            yield from references(child, (*path, index))


_NAMES_A_FILE: Final[Mapping[type, str]] = {
    FileText: "file",
    HttpSpec: "body_file",
    ImageSpec: "file",
    ReplaySpec: "file",
}
_PLAIN: Final = frozenset({str, SubstitutedText, bool, int, float})
