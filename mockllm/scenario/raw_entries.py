"""Rules and modifiers as they are written in a file: position, id, and the model that reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.templates.template import SubstitutedText
from mockllm.scenario.diagnostics import Diagnostic, Path, parse_path, value_at
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.file_patterns import FilePattern
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.base import Spec, field_keys
from mockllm.scenario.language.content import FileText
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.language.media import AudioSpec, ImageSpec, VideoSpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.rule_ids import short_ids
from mockllm.scenario.substitution import param_alone

EntryKind: TypeAlias = Literal["rule", "modifier", "server"]
EntrySpec: TypeAlias = RuleSpec | ModifierSpec | McpServerSpec
MODELS: Mapping[EntryKind, type[EntrySpec]] = {
    "rule": RuleSpec,
    "modifier": ModifierSpec,
    "server": McpServerSpec,
}
KEYS: Mapping[EntryKind, str] = {"rule": "rules", "modifier": "modifiers", "server": "mcp"}
"""The key of a file that lists the entries of a kind."""
_NO_VALUE: Final = re.compile(r'(?:"(\w+):"|this key) has no value')


class RawEntry(Struct, frozen=True):
    """A rule or modifier as written. `data` is its value, of whatever type, with parameters substituted."""

    file: LoadedFile
    kind: EntryKind
    index: int
    data: Json

    @property
    def path(self) -> Path:
        return (KEYS[self.kind], self.index)

    @property
    def file_and_line(self) -> str:
        """Such as `a.yaml:3`."""
        return f"{self.file.source.name}:{self.file.source.position(self.path).line}"

    @property
    def id(self) -> str:
        """The id for users: `pack/path:name`, or `pack/path:rules[2]` without a name."""
        return f"{self.file.id}:{self.name or self.position}"

    @property
    def name(self) -> str | None:
        """The name, if the entry has one."""
        name = self.get("name")
        return name if isinstance(name, str) and name else None

    @property
    def position(self) -> str:
        """The part of its id that an entry without a name has in place of it: `rules[2]`."""
        return f"{KEYS[self.kind]}[{self.index}]"

    @property
    def ids(self) -> frozenset[str]:
        """The id in all its forms."""
        return frozenset((self.id, *short_ids(self.id)))

    @property
    def used(self) -> bool:
        """Whether the `use` of its pack includes the entry."""
        use = self.file.use
        if use is None or not isinstance(self.data, dict):
            return True
        name = self.data.get("name")
        if use.only is not None:
            return name in use.only
        return use.except_ is None or name not in use.except_

    @property
    def enabled(self) -> bool:
        """Whether the entry is enabled. Raises ValueError with a message for users if `enabled` is wrong."""
        return self.file.params.enabled(self.get("enabled", True))

    def get(self, key: str, default: Json = None) -> Json:
        """Return the value of a key, or the default if the entry is not a mapping."""
        return self.data.get(key, default) if isinstance(self.data, dict) else default

    def follows_unknown_param(self, diagnostic: Diagnostic) -> bool:
        """Return whether a diagnostic only follows from an unknown parameter there or below, which is already
        reported."""
        return any(
            f"{known.path}.".startswith((f"{diagnostic.path}.", f"{diagnostic.path}["))
            for known in self.file.source.diagnostics
        )

    def with_param(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return the diagnostic; where the value there is that of a parameter, it names the parameter."""
        raw = self.file.raw
        written = value_at(raw.data, raw.existing_path(parse_path(diagnostic.path)))  # a key may differ there
        empty = _NO_VALUE.search(diagnostic.message)
        if empty is not None and isinstance(written, dict):
            written = written.get(empty[1])
        name = param_alone(written)
        if name is None:
            return diagnostic
        if empty is not None:
            message = f"{diagnostic.message[: empty.end()]}"
            return replace(diagnostic, message=f'{message}: the parameter "{name}" is not set')
        kind = self.file.params.kinds.get(name)
        of_type = f" of type {kind}" if isinstance(kind, str) else ""
        found = diagnostic.message.partition("; write ")[0]
        return replace(diagnostic, message=f'{found}, the value of the parameter "{name}"{of_type}')

    def diagnostic(self, message: str, *below: str | int) -> Diagnostic:
        """Return a diagnostic at a place in the entry."""
        return self.file.source.diagnostic((*self.path, *below), message)


def raw_entries(file: LoadedFile) -> Iterator[RawEntry]:
    """Yield all entries of a file, as far as the file has the form of a scenario file."""
    for kind, key in KEYS.items():
        items = file.source.data.get(key) if isinstance(file.source.data, dict) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield RawEntry(file, kind, index, item)


def read_spec(
    kind: EntryKind,
    item: Json,
    where: str,
    params: Mapping[str, Json],
    read: Callable[[str], bytes],
    known_names: KnownNames | None = None,
    untrusted: bool = False,
    files: Callable[[FilePattern], Sequence[str]] = lambda pattern: (),
) -> EntrySpec:
    """Return a rule or modifier as its model. `read` returns the files that it refers to, `files` the names of those
    that a templated name can be. `enabled` was evaluated before. An `untrusted` entry may contain nothing that lets
    the server hang. Raise pydantic's ValidationError for errors."""
    context: dict[str, object] = {"origin": where, "params": params, "known_names": known_names}
    context["untrusted"] = untrusted
    context["files"] = files
    context["file"] = lambda name: read(name).decode("utf-8", "replace")
    if isinstance(item, dict):
        context["literal"] = item.get("literal") is True
        item = {key: value for key, value in item.items() if key != "enabled"}
    return MODELS[kind].model_validate(item, context=context)


def file_references(spec: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the files that a spec names, with the path of each name. A match names none."""
    if isinstance(spec, Match):
        return
    if isinstance(spec, Spec):
        model = type(spec)
        keys, names_a_file = field_keys(model), _FILE_FIELDS.get(model)
        for name in sorted(spec.model_fields_set):
            value = getattr(spec, name)
            if value is not None and type(value) not in _PLAIN_TYPES:
                yield from file_references(value, (*path, keys[name]))
            elif value is not None and name == names_a_file:
                yield (*path, name), value
    elif isinstance(spec, list | tuple):
        for index, child in enumerate(spec):
            yield from file_references(child, (*path, index))


_FILE_FIELDS: Final[Mapping[type, str]] = {
    FileText: "file",
    HttpSpec: "body_file",
    ImageSpec: "file",
    AudioSpec: "file",
    VideoSpec: "file",
    ReplaySpec: "file",
}
_PLAIN_TYPES: Final = frozenset({str, SubstitutedText, bool, int, float})
