"""`pack.yaml`: the name of a pack, the packs that it uses and its parameters."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import Field, JsonValue, ValidationError

from mockllm import __version__
from mockllm.core.json.codec import Json
from mockllm.core.selection.decision import AcceptedModels, Validation
from mockllm.core.templates.template import NAMES
from mockllm.scenario.diagnostics import Diagnostic, Path, suggestion
from mockllm.scenario.language.base import Spec, no_items
from mockllm.scenario.lockfile import PackName
from mockllm.scenario.pack_params import Params, ParamSpec, check_value, parse_value
from mockllm.scenario.scenario_folder import MANIFEST
from mockllm.scenario.source_file import Source
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.version_ranges import parse_range, parse_version

LANGUAGE_VERSION: Final = 1
"""The version of the scenario language that this mockllm reads."""
_PARAM_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ENTRY_KEYS: Final = ("rules", "modifiers", "mcp", "examples")


class UseSpec(Spec):
    """A pack to use, with settings."""

    pack: str
    """The name of the pack, or `./folder`."""
    from_: str | None = Field(None, alias="from")
    """The git URL from which `mockllm pack add` takes the pack if it is not locked."""
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Values of the pack's parameters."""
    only: list[str] | None = None
    """Use only these of the pack's rules and modifiers."""
    except_: list[str] | None = Field(None, alias="except")
    """Use all of the pack's rules and modifiers except these."""


class RequiresSpec(Spec):
    """The requirements of a pack."""

    mockllm: str | None = None
    """The versions of mockllm that the pack works with: ">=0.1, <2"."""
    language: int | None = None
    """The version of the scenario language of the pack."""


class PackSpec(Spec):
    """A pack's manifest. The pack's rules are in other files of its folder."""

    name: PackName
    """The name, as rule ids and `--set` show it."""
    version: str
    """The version, a text: "1.0"."""
    requires: str | RequiresSpec | None = None
    """The versions of mockllm that the pack works with: ">=0.1, <2"; or `{mockllm: ">=0.1", language: 1}`."""
    description: str | None = None
    """The purpose of the pack, in a sentence."""
    license: str | None = None
    """The license of the pack."""
    use: list[str | UseSpec] = Field(default_factory=no_items)
    """Packs whose rules follow this pack's rules."""
    validation: Validation = "strict"
    """How requests are checked before this pack's rules respond: exact, strict, lenient, off."""
    models: AcceptedModels = "any"
    """The models for which this pack's rules respond: any, or only known ones (strict)."""
    params: dict[str, ParamSpec] = Field(default_factory=dict)
    """The parameters, by name."""


class ParamSettings(Struct, frozen=True):
    """Parameter values from outside of the files. `sets` are `PACK.PARAM=VALUE` or `PARAM=VALUE` as the user
    wrote them; `values` are typed, by the same names, and override all others (an example's `with`)."""

    sets: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Json] = field(default_factory=dict)


def read_manifest(source: Source) -> tuple[PackSpec | None, list[Diagnostic]]:
    """Return the manifest of a `pack.yaml`, or its errors."""
    diagnostics = list(source.diagnostics)
    if diagnostics:
        return None, diagnostics
    data = {} if source.data is None else source.data
    try:
        manifest = PackSpec.model_validate(data)
    except ValidationError as error:
        diagnostics = diagnostics_of(error, source, (), PackSpec)
        elsewhere = f"{MANIFEST} describes the pack; put its %s into another file of the folder"
        return None, [
            replace(each, message=elsewhere % each.path) if each.path in _ENTRY_KEYS else each
            for each in diagnostics
        ]
    diagnostics = [*_bad_requires(manifest, source), *_bad_params(manifest, source)]
    return (None if diagnostics else manifest), diagnostics


def _bad_requires(manifest: PackSpec, source: Source) -> list[Diagnostic]:
    requires = manifest.requires
    if requires is None:
        return []
    range_text = requires if isinstance(requires, str) else requires.mockllm
    path: Path = ("requires",) if isinstance(requires, str) else ("requires", "mockllm")
    if range_text is not None:
        try:
            fits = parse_range(range_text).matches(parse_version(__version__))
        except ValueError as error:
            return [source.diagnostic(path, str(error))]
        if not fits:
            message = f"the pack requires mockllm {range_text}; this is {__version__}"
            return [source.diagnostic(path, message)]
    language = None if isinstance(requires, str) else requires.language
    if language is not None and language != LANGUAGE_VERSION:
        message = f"the pack is written in version {language} of the language; this mockllm reads {LANGUAGE_VERSION}"
        return [source.diagnostic(("requires", "language"), message)]
    return []


def _bad_params(manifest: PackSpec, source: Source) -> list[Diagnostic]:
    diagnostics = []
    for name, param in manifest.params.items():
        path: Path = ("params", name)
        if not _PARAM_NAME.match(name):
            message = "a parameter's name consists of letters, digits and _"
            diagnostics.append(source.diagnostic(path, message, key=True))
        elif name in NAMES:
            message = f'in templates "{name}" is a value of the request; choose another name'
            diagnostics.append(source.diagnostic(path, message, key=True))
        try:
            check_value(param.type, param.default)
        except ValueError as error:
            diagnostics.append(source.diagnostic((*path, "default"), str(error)))
    return diagnostics


class WithValues(Struct, frozen=True):
    """A `with` of a `use`: its values and its position."""

    values: Mapping[str, Json]
    source: Source
    path: Path


def resolve_params(
    manifest: PackSpec, with_values: WithValues | None, settings: ParamSettings
) -> tuple[Params, list[Diagnostic]]:
    """Return the values of a pack's parameters: the first that is set of option, environment, `with` and default."""
    diagnostics: list[Diagnostic] = []
    values = {name: param.default for name, param in manifest.params.items()}
    if with_values is not None:
        for name, value in with_values.values.items():
            path = (*with_values.path, name)
            if name not in manifest.params:
                message = f"the pack {manifest.name} has no such parameter{suggestion(name, manifest.params)}"
                diagnostics.append(with_values.source.diagnostic(path, message, key=True))
                continue
            try:
                checked_value = check_value(manifest.params[name].type, value)
            except ValueError as error:
                diagnostics.append(with_values.source.diagnostic(path, str(error)))
            else:
                values[name] = values[name] if checked_value is None else checked_value
    for name, param in manifest.params.items():
        for origin, text in _external_values(manifest.name, name, param, settings):
            try:
                value = parse_value(param.type, text)
            except ValueError as error:
                diagnostics.append(Diagnostic(origin, 0, 0, f"{manifest.name}.{name}", str(error)))
                continue
            values[name] = values[name] if value is None else value
        for key in (name, f"{manifest.name}.{name}"):
            if key in settings.values:
                try:
                    values[name] = check_value(param.type, settings.values[key])
                except ValueError as error:
                    diagnostics.append(Diagnostic("with", 0, 0, key, str(error)))
    return Params(values, {name: param.type for name, param in manifest.params.items()}), diagnostics


def _external_values(
    pack: str, name: str, param: ParamSpec, settings: ParamSettings
) -> list[tuple[str, str]]:
    """Return the texts for a parameter with their origins, the weaker first."""
    texts = []
    variables = [param.env] if isinstance(param.env, str) else param.env or []
    for variable in variables:
        if settings.environment.get(variable):
            texts.append((f"environment variable {variable}", settings.environment[variable]))
            break
    for option in settings.sets:
        key, _, text = option.partition("=")
        if key.strip() in (name, f"{pack}.{name}"):
            texts.append((f"--set {option}", text))
    return texts


def bad_settings(settings: ParamSettings, manifests: Sequence[PackSpec]) -> list[Diagnostic]:
    """Return diagnostics for options and values that name no parameter of the packs in use, or several."""
    owners: dict[str, list[str]] = {}
    for manifest in manifests:
        for name in manifest.params:
            full = f"{manifest.name}.{name}"
            owners[full] = [full]
            owners.setdefault(name, []).append(full)
    diagnostics = []
    named = [(f"--set {option}", option.partition("=")) for option in settings.sets]
    for shown, (key, equals, _) in [*named, *((f"with {name}", (name, "=", "")) for name in settings.values)]:
        matches = owners.get(key.strip(), [])
        if not equals:
            message = "write PARAM=VALUE or PACK.PARAM=VALUE"
        elif not matches:
            message = f'no pack in use has a parameter "{key.strip()}"{suggestion(key.strip(), owners)}'
        elif len(matches) > 1:
            message = f'"{key.strip()}" is a parameter of several packs; write {" or ".join(matches)}'
        else:
            continue
        diagnostics.append(Diagnostic(shown, 0, 0, "", message))
    return diagnostics
