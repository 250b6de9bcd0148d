"""The rules of other mocks in the scenario language, and the scenario file of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.key_forms import REDACTED
from mockllm.recordings.import_file import ImportFile
from mockllm.recordings.redaction import clean_json
from mockllm.recordings.scenario_writer import comment, key_text, quoted, text_lines
from mockllm.scenario.diagnostics import Path


class ImportedRules(Struct):
    """The rules of a file in the scenario language, and notes on what could not be imported."""

    file: ImportFile
    rules: list[dict[str, Json]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, path: Path, text: str) -> None:
        """Add a note on a position in the file."""
        self.notes.append(f"{self.file.where(path)}: {text}")

    def omit(self, path: Path) -> None:
        """Add the note that a key is not imported."""
        self.note(path, f"{path[-1]} is not imported")

    def add(self, rule: dict[str, Json], path: Path) -> None:
        """Add a rule without its API keys; a rule that matches on a key is left out."""
        clean = clean_json(rule)
        if clean.get("match") != rule.get("match"):
            self.note(path, "it matches on text that looks like a key, so it is not imported")
            return
        if clean != rule:
            self.note(path, f"the response contains text that looks like a key; it is replaced by {REDACTED}")
        self.rules.append(clean)


def rules_text(imported: ImportedRules, title: str) -> str:
    """Return the rules as a scenario file."""
    lines = [
        f"# {comment(title)}",
        "validation: off  # the other mock did not validate requests",
        "rules:" if imported.rules else "rules: []",
    ]
    for rule in imported.rules:
        first, *rest = yaml_lines(rule, "    ")
        lines += [f"  - {first.strip()}", *rest]
    return "\n".join(lines) + "\n"


def yaml_lines(value: Mapping[str, Json], indent: str) -> Iterator[str]:
    """Yield an object as YAML, one key in each line."""
    for key, inner in value.items():
        name = key_text(key, indent)
        if isinstance(inner, dict) and inner:
            yield f"{indent}{name}:"
            yield from yaml_lines(inner, f"{indent}  ")
        elif isinstance(inner, list) and inner:
            yield f"{indent}{name}:"
            for item in inner:
                if isinstance(item, dict) and item:
                    first, *rest = yaml_lines(item, f"{indent}    ")
                    yield f"{indent}  - {first.strip()}"
                    yield from rest
                else:
                    yield f"{indent}  - {quoted(item)}"
        elif isinstance(inner, str):
            yield from text_lines(name, inner, indent)
        else:
            yield f"{indent}{name}: {quoted(inner)}"
