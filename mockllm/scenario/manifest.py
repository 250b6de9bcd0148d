"""`pack.yaml`: what a pack is called, what it uses and which parameters it has.

Apart from loading: this reads one manifest, and settles the values of its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from pydantic import Field, ValidationError

from mockllm import __version__
from mockllm.core.json.codec import Json
from mockllm.core.selection.decision import Models, Validation
from mockllm.core.templates.template import NAMES
from mockllm.scenario.diagnostics import Diagnostic, Path, meant
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.use import UseSpec
from mockllm.scenario.lockfile import PackName
from mockllm.scenario.pack_params import Params, ParamSpec, checked, from_text
from mockllm.scenario.scenario_folder import MANIFEST
from mockllm.scenario.source_file import Source
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.version_ranges import parse_range, parse_version

LANGUAGE: Final = 1
"""The version of the language that this mockllm reads."""
_PARAM_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ITEMS: Final = ("rules", "modifiers", "examples")


class RequiresSpec(Spec):
    """What a pack needs."""

    mockllm: str | None = None
    """The versions of mockllm that it works with: ">=0.1, <2"."""
    language: int | None = None
    """The version of the language that it is written in."""


class PackSpec(Spec):
    """A pack's manifest. The pack's rules stand in the other files of its folder."""

    name: PackName
    """Its name, as rule ids and `--set` show it."""
    version: str
    """Its version, a text: "1.0"."""
    requires: str | RequiresSpec | None = None
    """The versions of mockllm that it works with: ">=0.1, <2"; or `{mockllm: ">=0.1", language: 1}`."""
    description: str | None = None
    """What it is for, in a sentence."""
    license: str | None = None
    """Under which license it may be shared."""
    use: list[str | UseSpec] = Field(default_factory=list)
    """Packs whose rules stand behind this one's."""
    validation: Validation = "strict"
    """How requests are checked before this pack's rules answer: strict, lenient, off."""
    models: Models = "any"
    """Which models this pack's rules answer: any, or known ones alone (strict)."""
    params: dict[str, ParamSpec] = Field(default_factory=dict)
    """Its parameters, by name."""


class ParamSettings(Struct, frozen=True):
    """What sets parameters from outside of the files. `sets` are `PACK.PARAM=VALUE` or `PARAM=VALUE` as a
    person wrote them; `values` are typed, by the same names, and beat all others (an example's `with`)."""

    sets: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Json] = field(default_factory=dict)


def read_manifest(source: Source) -> tuple[PackSpec | None, list[Diagnostic]]:
    """The manifest in a `pack.yaml`, or what is wrong with it."""
    mistakes = list(source.mistakes)
    if mistakes:
        return None, mistakes
    data = {} if source.data is None else source.data
    try:
        word = PackSpec.model_validate(data)
    except ValidationError as error:
        mistakes = diagnostics_of(error, source, (), PackSpec)
        if isinstance(data, dict) and any(key in data for key in _ITEMS):
            mistakes = [_items_elsewhere(mistake) for mistake in mistakes]
        return None, mistakes
    mistakes = [*_bad_requires(word, source), *_bad_params(word, source)]
    return (None if mistakes else word), mistakes


def _items_elsewhere(mistake: Diagnostic) -> Diagnostic:
    if mistake.path not in _ITEMS:
        return mistake
    message = f"{MANIFEST} describes the pack; put its {mistake.path} into another file of the folder"
    return Diagnostic(mistake.file, mistake.line, mistake.column, mistake.path, message)


def _bad_requires(word: PackSpec, source: Source) -> list[Diagnostic]:
    said = word.requires
    if said is None:
        return []
    wanted = said if isinstance(said, str) else said.mockllm
    path: Path = ("requires",) if isinstance(said, str) else ("requires", "mockllm")
    if wanted is not None:
        try:
            fits = parse_range(wanted).holds(parse_version(__version__))
        except ValueError as error:
            return [source.mistake(path, str(error))]
        if not fits:
            message = f"the pack requires mockllm {wanted}; this is {__version__}"
            return [source.mistake(path, message)]
    language = None if isinstance(said, str) else said.language
    if language is not None and language != LANGUAGE:
        message = f"the pack is written in version {language} of the language; this mockllm reads {LANGUAGE}"
        return [source.mistake(("requires", "language"), message)]
    return []


def _bad_params(word: PackSpec, source: Source) -> list[Diagnostic]:
    mistakes = []
    for name, param in word.params.items():
        path: Path = ("params", name)
        if not _PARAM_NAME.match(name):
            message = "a parameter's name is made of letters, digits and _"
            mistakes.append(source.mistake(path, message, key=True))
        elif name in NAMES:
            message = f'in templates "{name}" is something of the request; choose another name'
            mistakes.append(source.mistake(path, message, key=True))
        try:
            checked(param.type, param.default)
        except ValueError as error:
            mistakes.append(source.mistake((*path, "default"), str(error)))
    return mistakes


class WithValues(Struct, frozen=True):
    """A `with` of a `use`: its values, and where it stands."""

    values: Mapping[str, Json]
    source: Source
    path: Path


def settle_params(
    word: PackSpec, given: WithValues | None, settings: ParamSettings
) -> tuple[Params, list[Diagnostic]]:
    """The values of a pack's parameters: option, environment, `with`, default, the first that is set."""
    mistakes: list[Diagnostic] = []
    values = {name: param.default for name, param in word.params.items()}
    if given is not None:
        for name, value in given.values.items():
            path = (*given.path, name)
            if name not in word.params:
                message = f"the pack {word.name} has no such parameter{meant(name, word.params)}"
                mistakes.append(given.source.mistake(path, message, key=True))
                continue
            try:
                checked_value = checked(word.params[name].type, value)
            except ValueError as error:
                mistakes.append(given.source.mistake(path, str(error)))
            else:
                values[name] = values[name] if checked_value is None else checked_value
    for name, param in word.params.items():
        for origin, text in _outside(word.name, name, param, settings):
            try:
                value = from_text(param.type, text)
            except ValueError as error:
                mistakes.append(Diagnostic(origin, 0, 0, f"{word.name}.{name}", str(error)))
                continue
            values[name] = values[name] if value is None else value
        for key in (name, f"{word.name}.{name}"):
            if key in settings.values:
                try:
                    values[name] = checked(param.type, settings.values[key])
                except ValueError as error:
                    mistakes.append(Diagnostic("with", 0, 0, key, str(error)))
    return Params(values, {name: param.type for name, param in word.params.items()}), mistakes


def _outside(pack: str, name: str, param: ParamSpec, settings: ParamSettings) -> list[tuple[str, str]]:
    """Where a text for a parameter comes from and what it is, the weaker first."""
    found = []
    variables = [param.env] if isinstance(param.env, str) else param.env or []
    for variable in variables:
        if settings.environment.get(variable):
            found.append((f"environment variable {variable}", settings.environment[variable]))
            break
    for option in settings.sets:
        key, _, text = option.partition("=")
        if key.strip() in (name, f"{pack}.{name}"):
            found.append((f"--set {option}", text))
    return found


def bad_settings(settings: ParamSettings, words: Sequence[PackSpec]) -> list[Diagnostic]:
    """Options and values that name no parameter of the packs in use, or more than one."""
    owners: dict[str, list[str]] = {}
    for word in words:
        for name in word.params:
            full = f"{word.name}.{name}"
            owners[full] = [full]
            owners.setdefault(name, []).append(full)
    mistakes = []
    named = [(f"--set {option}", option.partition("=")) for option in settings.sets]
    for shown, (key, equals, _) in [*named, *((f"with {name}", (name, "=", "")) for name in settings.values)]:
        found = owners.get(key.strip(), [])
        if not equals:
            message = "write PARAM=VALUE or PACK.PARAM=VALUE"
        elif not found:
            message = f'no pack in use has a parameter "{key.strip()}"{meant(key.strip(), owners)}'
        elif len(found) > 1:
            message = f'"{key.strip()}" is a parameter of several packs; write {" or ".join(found)}'
        else:
            continue
        mistakes.append(Diagnostic(shown, 0, 0, "", message))
    return mistakes
