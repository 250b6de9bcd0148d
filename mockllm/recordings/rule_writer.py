"""Rules out of the files of other mocks: what they match on and answer, in this language's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.redaction import REDACTED
from mockllm.recordings.redaction import clean_json
from mockllm.recordings.scenario_writer import comment, key_text, quoted, text_lines


class ImportedRules(Struct):
    """What was taken from a file: rules in the language's own form, and what of it could not be carried over."""

    rules: list[dict[str, Json]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, rule: dict[str, Json], where: str) -> None:
        """Takes a rule without the keys in it; what matches on a key is not taken at all."""
        clean = clean_json(rule)
        if clean.get("match") != rule.get("match"):
            self.notes.append(f"{where}: it matches on what looks like a key, so it is not carried over")
            return
        if clean != rule:
            self.notes.append(
                f"{where}: what looks like a key stood in the answer; it is written as {REDACTED}"
            )
        self.rules.append(clean)


def written(taken: ImportedRules, title: str) -> str:
    """The rules as a scenario file."""
    lines = [
        f"# {comment(title)}",
        "validation: off  # nothing was checked there",
        "rules:" if taken.rules else "rules: []",
    ]
    for rule in taken.rules:
        first, *rest = yaml_lines(rule, "    ")
        lines += [f"  - {first.strip()}", *rest]
    return "\n".join(lines) + "\n"


def yaml_lines(value: Mapping[str, Json], indent: str) -> Iterator[str]:
    """An object as YAML, a key in each line."""
    for key, held in value.items():
        name = key_text(key)
        if isinstance(held, dict) and held:
            yield f"{indent}{name}:"
            yield from yaml_lines(held, f"{indent}  ")
        elif isinstance(held, list) and held:
            yield f"{indent}{name}:"
            for each in held:
                if isinstance(each, dict) and each:
                    first, *rest = yaml_lines(each, f"{indent}    ")
                    yield f"{indent}  - {first.strip()}"
                    yield from rest
                else:
                    yield f"{indent}  - {scalar(each)}"
        elif isinstance(held, str):
            yield from text_lines(name, held, indent)
        else:
            yield f"{indent}{name}: {scalar(held)}"


def scalar(value: Json) -> str:
    """A value on one line."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[" + ", ".join(map(scalar, value)) + "]"
    return repr(value)
