"""The JSON Schemas of scenario files and packs for editors, generated from the language's models.

Draft 7, because the YAML servers of editors read it: no `$defs`, nothing beside a `$ref`, no discriminators. If the
models accept shorthand, the schemas do too. If a model would accept null for "not set", the schemas do not.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, cast

from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema
from typing_extensions import TypeForm

from mockllm.core.json.codec import Json
from mockllm.core.quantities.types import ChunkSizeField, Duration, JsonSchema, Probability
from mockllm.core.selection.decision import AcceptedModels, Validation
from mockllm.core.values.types import Drawable, Templated
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.base import Spec, field_texts, late_model
from mockllm.scenario.language.conditions import JsonCondition
from mockllm.scenario.language.examples import ExampleSpec
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.language.reply import RESPONSE_KEYS
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.language.session import SessionId
from mockllm.scenario.manifest import PackSpec, UseSpec

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_REF: Final = "#/definitions/{model}"
_SHARED: Final[Mapping[str, TypeForm[object]]] = {
    "DrawnDuration": Drawable[Duration],
    "DrawnSpeed": Drawable[Annotated[float, Field(gt=0)]],
    "DrawnFactor": Drawable[Annotated[float, Field(ge=0)]],
    "TemplatedChunkSize": Templated[ChunkSizeField],
    "Duration": Duration,
    "Probability": Probability,
}
"""Forms that occur in many places, each described once; larger forms first."""
_TEMPLATE: Final[JsonSchema] = TypeAdapter(Templated[int]).json_schema()["anyOf"][1]
_PARAMETER: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"\$\{[^}]+\}",
    "description": "A parameter of the pack: `${name}`. Alone, it has its own type.",
    "examples": ["${name}"],
}
_KNOWN_NAMES: Final = (
    *(("Match", definition, f"{definition}s") for definition in ("provider", "dialect", "api")),
    *(("RequestSpec", definition, f"{definition}s") for definition in ("provider", "api")),
)
"""Places of names that the server knows: definition, key, and field of `KnownNames`."""


class ScenarioFile(Spec):
    """A scenario file: rules, modifiers, and examples that test them.

    Files are read rule by rule (`scenario.typed_entries`), so that disabled rules are never typed.
    """

    mockllm: Literal[1] = 1
    """The version of the scenario language."""
    use: list[str | UseSpec] = Field(default_factory=list)
    """Packs whose rules follow this folder's own rules."""
    enabled: bool | dict[str, JsonCondition] = True
    """Whether the whole file is used; a condition on the pack's parameters."""
    validation: Validation = "strict"
    """How requests are checked before this file's rules respond: exact, strict, lenient, off."""
    models: AcceptedModels = "any"
    """The models for which this file's rules respond: any, or only known ones (strict)."""
    provider: str | None = None
    """The provider whose paths need no prefix, such as vllm."""
    finding: SessionId | None = None
    """The finding of a hunt that this file replays. Of several findings each responds in the session of its name."""
    rules: list[RuleSpec] = Field(default_factory=list)
    """The first rule that matches and whose guards allow it selects the response."""
    modifiers: list[ModifierSpec] = Field(default_factory=list)
    """Every modifier that matches changes the response of the selected rule."""
    mcp: list[McpServerSpec] = Field(default_factory=list)
    """Servers of the Model Context Protocol, which rules respond for."""
    examples: list[ExampleSpec] = Field(default_factory=list)
    """Requests and the expected responses, run by `mockllm test`."""


def schemas(known_names: KnownNames) -> dict[str, JsonSchema]:
    """Return the schemas by file name. The names of `known_names` are suggested; other names are accepted."""
    scenario = _schema(ScenarioFile, "A scenario file of mockllm, language version 1")
    definitions = scenario["definitions"]
    for definition in ("RuleSpec", "ModifierSpec", "McpServerSpec"):
        enabled = definitions[definition]["properties"]["enabled"]
        enabled["anyOf"] = scenario["properties"]["enabled"]["anyOf"]
        enabled.pop("type", None)
    for owner, key, names_field in _KNOWN_NAMES:
        _add_completions(definitions[owner]["properties"][key], sorted(getattr(known_names, names_field)))
    for definition in ("RuleSpec", "StepSpec", "BranchSpec"):
        keys = [key for key in RESPONSE_KEYS if key in definitions[definition]["properties"]]
        definitions[definition]["oneOf"] = [{"required": [key]} for key in keys]
    definitions["ErrorSpec"]["anyOf"] = [{"required": ["type"]}, {"required": ["status"]}]
    for definition in ("FaultSpec", "PartSpec"):
        definitions[definition] |= {"minProperties": 1, "maxProperties": 1}
    for name in definitions.keys() - {"Template"}:
        definitions[name] = _with_parameters(definitions[name])
    for key in scenario["properties"].keys() - {"mockllm"}:
        scenario["properties"][key] = _with_parameters(scenario["properties"][key])
    definitions["RuleSpec"]["oneOf"].append(_switched_off())
    definitions["Parameter"] = _PARAMETER
    definitions["Duration"]["anyOf"][1] = {**_PARAMETER}
    del definitions["Duration"]["anyOf"][1]["description"]  # otherwise shown for each duration
    return {
        "scenario.schema.json": _for_editors(_flatten(scenario)),
        "pack.schema.json": _schema(PackSpec, "A pack of mockllm scenarios: its pack.yaml"),
    }


def _switched_off() -> JsonSchema:
    """Return the schema of a rule that is off: it needs no response, as where it replaces another rule."""
    responses: JsonSchema = {"anyOf": [{"required": [key]} for key in RESPONSE_KEYS]}
    return {"required": ["enabled"], "properties": {"enabled": {"const": False}}, "not": responses}


def schema_text(schema: JsonSchema) -> str:
    """Return the content of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str) -> JsonSchema:
    result = _simplify(model.model_json_schema(ref_template=_REF, schema_generator=_Draft7))
    shared = {
        name: _simplify(TypeAdapter(form).json_schema(schema_generator=_Draft7))
        for name, form in _SHARED.items()
    }
    shared["Template"] = _TEMPLATE
    definitions: JsonSchema = result.pop("definitions", {})
    for number, (name, form) in enumerate(shared.items()):
        later = dict(list(shared.items())[number + 1 :])
        definitions[name] = {key: _with_shared(value, later) for key, value in form.items()}
    known = {
        name: each if name in shared else _with_shared(each, shared) for name, each in definitions.items()
    }
    body = _with_shared(result, shared)
    needed = _references(body)
    while more := {name for each in needed for name in _references(known[each])} - needed:
        needed |= more
    return {
        "$schema": DRAFT,
        "title": title,
        **body,
        "definitions": {name: known[name] for name in sorted(needed)},
    }


def _references(schema: Json) -> set[str]:
    """Return the definitions that a schema refers to."""
    return set(re.findall(r'"#/definitions/([^"]+)"', json.dumps(schema)))


class _Draft7(GenerateJsonSchema):
    """Generates Draft 7 with the field texts of the models."""

    _model: type | None = None
    """The model of the fields that are described."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchema:
        outer, self._model = self._model, schema["cls"]
        result = super().model_schema(schema)
        self._model = outer
        for name, text in field_texts(schema["cls"]).items():
            field = schema["cls"].model_fields[name]
            if field.description is None:
                result["properties"][field.alias or name]["description"] = text
        return result

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchema:
        late = late_model(schema)
        if late is None:
            return super().function_plain_schema(schema)
        return self.generate_inner(TypeAdapter(cast("type[object]", late.written)).core_schema)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchema:
        result: JsonSchema = {"type": "object"}
        if values := self.generate_inner(schema["values_schema"]) if "values_schema" in schema else {}:
            result["additionalProperties"] = values
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        if keys.get("type") == "integer":  # to JSON every key is a text
            result["propertyNames"] = {"pattern": "^[0-9]+$"}
        elif set(keys) - {"type"}:
            result["propertyNames"] = keys
        return result

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def _simplify(schema: Json) -> Json:
    """Return a schema without titles, null defaults and discriminators; choices as `anyOf`; nothing beside a
    `$ref`."""
    if isinstance(schema, list):
        return [_simplify(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result: JsonSchema = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _simplify(each) for name, each in value.items()}
        elif key in ("examples", "enum", "const", "default"):
            if not (key == "default" and value in (None, {}, [])):
                result[key] = value
        elif key == "$defs":
            result["definitions"] = {name: _simplify(each) for name, each in value.items()}
        elif key not in ("title", "discriminator"):
            result["anyOf" if key == "oneOf" else key] = _simplify(value)
    if "$ref" in result and len(result) > 1:
        result["allOf"] = [{"$ref": result.pop("$ref")}]
    return result


def _with_shared(schema: Json, shared: Mapping[str, JsonSchema]) -> Json:
    """Return a schema with references to the shared forms; a separate description stays."""

    def changed(schema: JsonSchema) -> JsonSchema | None:
        for name, form in shared.items():
            bare = form.keys() - {"description", "examples"}
            if all(schema.get(key) == form[key] for key in bare):
                rest = schema.keys() - bare
                own = {key: value for key, value in schema.items() if key in rest and form.get(key) != value}
                reference = {"$ref": _REF.format(model=name)}
                return {"allOf": [reference], **own} if own else reference
        return None

    return _map_schema(schema, changed)


def _with_parameters(schema: Json) -> Json:
    """Return a schema that accepts a pack's parameter in place of any scalar."""
    parameter = {"$ref": _REF.format(model="Parameter")}

    def changed(schema: JsonSchema) -> JsonSchema | None:
        scalar = schema.get("type") in ("integer", "number", "boolean") or (
            schema.get("type") == "string" and ("enum" in schema or "pattern" in schema)
        )
        if not scalar and "enum" not in schema and "const" not in schema:
            return None
        about = {key: value for key, value in schema.items() if key in ("description", "default")}
        scalar_schema = {key: value for key, value in schema.items() if key not in about}
        return {"anyOf": [scalar_schema, parameter], **about}

    return _map_schema(schema, changed)


def _map_schema(schema: Json, changed: Callable[[JsonSchema], JsonSchema | None]) -> Json:
    """Return the schema with a function applied to every schema in it; a changed schema is not searched further."""
    if isinstance(schema, list):
        return [_map_schema(each, changed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    replaced = changed(schema)
    if replaced is not None:
        return replaced
    result: JsonSchema = {}
    for key, value in schema.items():
        if key in ("properties", "definitions"):
            result[key] = {name: _map_schema(each, changed) for name, each in value.items()}
        elif key in ("anyOf", "allOf", "items", "additionalProperties"):
            result[key] = _map_schema(value, changed)
        else:
            result[key] = value
    return result


def _flatten(schema: Json) -> Json:
    """Return nested choices as one choice; each form only once."""

    def changed(schema: JsonSchema) -> JsonSchema | None:
        if any(set(each) == {"anyOf"} for each in schema.get("anyOf", ())):
            inner = [choice for each in schema["anyOf"] for choice in each.get("anyOf", [each])]
            once = [choice for number, choice in enumerate(inner) if choice not in inner[:number]]
            return _flatten({**schema, "anyOf": once})  # type: ignore[no-any-return]
        return None

    return _map_schema(schema, changed)


def _for_editors(schema: JsonSchema) -> JsonSchema:
    """Return a schema that the YAML server of most editors shows best.

    For a key, the server shows the first description that it finds, which would be the description of a form
    and not of the key. If a mapping fits none of several forms, the server reports the errors of the first
    form. Mappings therefore come first, so that a misspelt key is reported.
    """
    definitions = schema["definitions"]
    for name in set(_referenced_forms(schema)) - {"Parameter"}:
        definitions[name].pop("description", None)

    def is_mapping(form: JsonSchema) -> bool:
        if "$ref" in form:
            return is_mapping(definitions[form["$ref"].rpartition("/")[2]])
        return form.get("type") == "object"

    def changed(schema: JsonSchema) -> JsonSchema | None:
        choices = schema.get("anyOf")
        if choices is None or choices == (ordered := sorted(choices, key=lambda each: not is_mapping(each))):
            return None
        return _map_schema({**schema, "anyOf": ordered}, changed)  # type: ignore[no-any-return]

    return _map_schema(schema, changed)  # type: ignore[no-any-return]


def _referenced_forms(schema: Json) -> Iterator[str]:
    """Yield the names of definitions, alone or among others, of a key with a separate description."""
    if isinstance(schema, list):
        for each in schema:
            yield from _referenced_forms(each)
    elif isinstance(schema, dict):
        forms = (*schema.get("anyOf", ()), *schema.get("allOf", ()))
        yield from (each["$ref"].rpartition("/")[2] for each in forms if "$ref" in each)
        for each in schema.values():
            yield from _referenced_forms(each)


def _add_completions(property: JsonSchema, names: Iterable[str]) -> None:
    """Add names to suggest beside the accepted forms."""
    rest = {key: property.pop(key) for key in list(property) if key not in ("description", "default")}
    property["anyOf"] = [{"type": "string", "enum": list(names)}, *rest.get("anyOf", [rest])]
