"""The JSON Schemas of scenario files and packs, made from the language's models, for editors.

Draft 7, because that is what the YAML servers of editors read: no `$defs`, nothing beside a `$ref`, no
discriminators. Where the models take shorthand, the schemas do too; where a model would take null for
"not given", they do not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from mockllm.core.quantities.types import ChunkSizeField, Duration, Probability
from mockllm.core.values.types import Drawable, Templated
from mockllm.scenario.language.base import documented
from mockllm.scenario.language.examples import ExpectSpec
from mockllm.scenario.language.reply import ANSWERS
from mockllm.scenario.language.scenario_file import ScenarioFile
from mockllm.scenario.manifest import PackSpec
from mockllm.scenario.vocabulary import Vocabulary

JsonSchema: TypeAlias = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_REF: Final = "#/definitions/{model}"
_SHARED: Final[Mapping[str, Any]] = {
    "DrawnDuration": Drawable[Duration],
    "DrawnSpeed": Drawable[Annotated[float, Field(gt=0)]],
    "DrawnFactor": Drawable[Annotated[float, Field(ge=0)]],
    "TemplatedChunkSize": Templated[ChunkSizeField],
    "Duration": Duration,
    "Probability": Probability,
}
"""Forms that stand in many places, each described once; larger ones first."""
_TEMPLATE: Final[JsonSchema] = TypeAdapter(Templated[int]).json_schema()["anyOf"][1]
_PARAMETER: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"\$\{[^}]+\}",
    "description": "A parameter of the pack: `${name}`. Alone it keeps its type.",
    "examples": ["${name}"],
}
_SPOKEN: Final = (
    *(("Match", word, f"{word}s") for word in ("provider", "dialect", "api")),
    *(("RequestSpec", word, f"{word}s") for word in ("provider", "api")),
)
"""Where a name that the server speaks stands: definition, key, and which of the vocabulary."""


def schemas(vocabulary: Vocabulary) -> dict[str, JsonSchema]:
    """The schemas by the names of their files. `vocabulary`: names to complete; others are not refused."""
    scenario = _schema(ScenarioFile, "A scenario file of mockllm, language version 1")
    definitions = scenario["definitions"]
    for word in ("RuleSpec", "ModifierSpec"):
        enabled = definitions[word]["properties"]["enabled"]
        enabled["anyOf"] = scenario["properties"]["enabled"]["anyOf"]
        enabled.pop("type", None)
    for owner, key, words in _SPOKEN:
        _complete(definitions[owner]["properties"][key], sorted(getattr(vocabulary, words)))
    for word in ("RuleSpec", "StepSpec", "BranchSpec"):
        answers = [answer for answer in ANSWERS if answer in definitions[word]["properties"]]
        definitions[word]["oneOf"] = [{"required": [answer]} for answer in answers]
    definitions["ErrorSpec"]["anyOf"] = [{"required": ["type"]}, {"required": ["status"]}]
    for word in ("FaultSpec", "PartSpec"):
        definitions[word] |= {"minProperties": 1, "maxProperties": 1}
    for name in definitions.keys() - {"Template"}:
        definitions[name] = _with_parameters(definitions[name])
    for key in scenario["properties"].keys() - {"mockllm"}:
        scenario["properties"][key] = _with_parameters(scenario["properties"][key])
    definitions["Parameter"] = _PARAMETER
    definitions["Duration"]["anyOf"][1] = {**_PARAMETER}
    del definitions["Duration"]["anyOf"][1]["description"]  # else it is shown for each duration
    return {
        "scenario.schema.json": _for_editors(_flat(scenario)),
        "pack.schema.json": _schema(PackSpec, "A pack of mockllm scenarios: its pack.yaml"),
    }


def written(schema: JsonSchema) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], title: str) -> JsonSchema:
    made = _plain(model.model_json_schema(ref_template=_REF, schema_generator=_Draft7))
    shared = {
        name: _plain(TypeAdapter(form).json_schema(schema_generator=_Draft7))
        for name, form in _SHARED.items()
    }
    shared["Template"] = _TEMPLATE
    definitions: JsonSchema = made.pop("definitions", {})
    for number, (name, form) in enumerate(shared.items()):
        later = dict(list(shared.items())[number + 1 :])
        definitions[name] = {key: _with_shared(value, later) for key, value in form.items()}
    known = {
        name: _with_shared(each, shared) if name not in shared else each for name, each in definitions.items()
    }
    body = _with_shared(made, shared)
    needed = _named(body)
    while more := {name for each in needed for name in _named(known[each])} - needed:
        needed |= more
    return {
        "$schema": DRAFT,
        "title": title,
        **body,
        "definitions": {name: known[name] for name in sorted(needed)},
    }


def _named(schema: Any) -> set[str]:
    """The definitions that a schema refers to."""
    return set(re.findall(r'"#/definitions/([^"]+)"', json.dumps(schema)))


class _Draft7(GenerateJsonSchema):
    """See above."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._models: list[type] = []

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchema:
        self._models.append(schema["cls"])
        try:
            made = super().model_schema(schema)
        finally:
            self._models.pop()
        for name, text in documented(schema["cls"]).items():
            field = schema["cls"].model_fields[name]
            if field.description is None:
                made["properties"][field.alias or name]["description"] = text
        return made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchema:
        """Null is no value of its own, but where an example expects that something is not there."""
        if self._models[-1:] == [ExpectSpec]:
            return super().nullable_schema(schema)
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchema:
        made: JsonSchema = {"type": "object"}
        values = self.generate_inner(schema["values_schema"]) if "values_schema" in schema else {}
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        if values:
            made["additionalProperties"] = values
        if set(keys) - {"type"}:
            made["propertyNames"] = keys
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _plain(schema: Any) -> Any:
    """Without titles, null defaults and discriminators; choices as `anyOf`; nothing beside a `$ref`."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made: JsonSchema = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: _plain(each) for name, each in value.items()}
        elif key in ("examples", "enum", "const", "default"):
            if not (key == "default" and value in (None, {}, [])):
                made[key] = value
        elif key == "$defs":
            made["definitions"] = {name: _plain(each) for name, each in value.items()}
        elif key not in ("title", "discriminator"):
            made["anyOf" if key == "oneOf" else key] = _plain(value)
    if "$ref" in made and len(made) > 1:
        made["allOf"] = [{"$ref": made.pop("$ref")}]
    return made


def _with_shared(schema: Any, shared: Mapping[str, JsonSchema]) -> Any:
    """With references to the forms that stand in many places; a description of its own stays."""

    def changed(schema: JsonSchema) -> JsonSchema | None:
        for name, form in shared.items():
            bare = form.keys() - {"description", "examples"}
            if all(schema.get(key) == form[key] for key in bare):
                own = {
                    key: value for key, value in schema.items() if key not in bare and form.get(key) != value
                }
                reference = {"$ref": _REF.format(model=name)}
                return {"allOf": [reference], **own} if own else reference
        return None

    return _mapped(schema, changed)


def _with_parameters(schema: Any) -> Any:
    """With a pack's parameters in place of any scalar."""
    parameter = {"$ref": _REF.format(model="Parameter")}

    def changed(schema: JsonSchema) -> JsonSchema | None:
        scalar = schema.get("type") in ("integer", "number", "boolean") or (
            schema.get("type") == "string" and ("enum" in schema or "pattern" in schema)
        )
        if not scalar and "enum" not in schema and "const" not in schema:
            return None
        about = {key: value for key, value in schema.items() if key in ("description", "default")}
        return {
            "anyOf": [{key: value for key, value in schema.items() if key not in about}, parameter],
            **about,
        }

    return _mapped(schema, changed)


def _mapped(schema: Any, changed: Callable[[JsonSchema], JsonSchema | None]) -> Any:
    """The schema with every one in it changed; what was changed is not looked into."""
    if isinstance(schema, list):
        return [_mapped(each, changed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = changed(schema)
    if found is not None:
        return found
    made: JsonSchema = {}
    for key, value in schema.items():
        if key in ("properties", "definitions"):
            made[key] = {name: _mapped(each, changed) for name, each in value.items()}
        elif key in ("anyOf", "allOf", "items", "additionalProperties"):
            made[key] = _mapped(value, changed)
        else:
            made[key] = value
    return made


def _flat(schema: Any) -> Any:
    """Choices of choices as one; the same choice only once."""

    def changed(schema: JsonSchema) -> JsonSchema | None:
        if any(set(each) == {"anyOf"} for each in schema.get("anyOf", ())):
            inner = [choice for each in schema["anyOf"] for choice in each.get("anyOf", [each])]
            once = [choice for number, choice in enumerate(inner) if choice not in inner[:number]]
            return _flat({**schema, "anyOf": once})  # type: ignore[no-any-return]
        return None

    return _mapped(schema, changed)


def _for_editors(schema: JsonSchema) -> JsonSchema:
    """As the YAML server of most editors shows it best. Of a key it shows the first text that it comes by, and
    that would be the one of the form that stands there, not the key's own; and where a mapping is none of
    several forms it complains by the first: mappings stand first, so that a misspelt key is told."""
    definitions = schema["definitions"]
    for name in set(_forms(schema)) - {"Parameter"}:
        definitions[name].pop("description", None)

    def is_mapping(form: JsonSchema) -> bool:
        if "$ref" in form:
            return is_mapping(definitions[form["$ref"].rpartition("/")[2]])
        return form.get("type") == "object"

    def changed(schema: JsonSchema) -> JsonSchema | None:
        choices = schema.get("anyOf")
        if choices is None or choices == (ordered := sorted(choices, key=lambda each: not is_mapping(each))):
            return None
        return _mapped({**schema, "anyOf": ordered}, changed)  # type: ignore[no-any-return]

    return _mapped(schema, changed)  # type: ignore[no-any-return]


def _forms(schema: Any) -> Iterator[str]:
    """The names of definitions that stand, maybe among others, behind a key with a text of its own."""
    if isinstance(schema, list):
        for each in schema:
            yield from _forms(each)
    elif isinstance(schema, dict):
        forms = (*schema.get("anyOf", ()), *schema.get("allOf", ()))
        yield from (each["$ref"].rpartition("/")[2] for each in forms if "$ref" in each)
        for each in schema.values():
            yield from _forms(each)


def _complete(property: JsonSchema, names: Iterable[str]) -> None:
    """Names to complete beside what else may stand there."""
    rest = {key: property.pop(key) for key in list(property) if key not in ("description", "default")}
    property["anyOf"] = [{"type": "string", "enum": list(names)}, *rest.get("anyOf", [rest])]
