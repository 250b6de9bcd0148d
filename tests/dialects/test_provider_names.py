"""Provider knowledge lives in the provider's folder: elsewhere no identifier and no string names a provider.

Docstrings and comments may: they name sources and examples. So may the files below, each with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mockllm.dialects.provider_facts import ALIASES
from mockllm.dialects.providers import REGISTERED

PACKAGE = Path(__file__).parents[2] / "mockllm"
EXAMPLE = "a message or a help text shows an example"
NAMES_OF_KEYS = "redaction recognizes every provider's keys, whoever is mocked, and core imports no dialect"
SOURCE = "a verdict cites the source of its rule"
LOAD_GENERATOR = "an inference server and the load generator in its package have one name"
PROMISED = "public names of mockllm.testing"
GENERAL = ("__init__", "shape", "tolerant")
"""The modules of the comparison that know no provider."""
DECODERS = "decodes what a provider sent, for a comparison only: no request reaches it"
ALLOWED = {
    **{
        f"conformance/{file.name}": DECODERS
        for file in (PACKAGE / "conformance").glob("*.py")
        if file.stem not in GENERAL
    },
    "cli/drift.py": EXAMPLE,
    "cli/exec.py": EXAMPLE,
    "cli/fit.py": LOAD_GENERATOR,
    "cli/record.py": EXAMPLE,
    "cli/requests.py": EXAMPLE,
    "cli/serve.py": EXAMPLE,
    "cli/units.py": EXAMPLE,
    "scenario/language/proxy.py": EXAMPLE,
    "core/key_forms.py": NAMES_OF_KEYS,
    "core/secret_names.py": NAMES_OF_KEYS,
    "core/load_fit/result_files.py": LOAD_GENERATOR,
    "core/load_fit/scenario_file.py": LOAD_GENERATOR,
    "core/request/agent_frames.py": "coding agents have names of providers in theirs",
    "core/verdicts/catalog.py": SOURCE,
    "core/verdicts/retry_after.py": "google.rpc.RetryInfo is a type of gRPC's error model",
    "testing/mock_base.py": PROMISED,
}
ENGLISH = {"together"}
"""A provider's name that is a word of English, too."""
LANGUAGE = {"mcp"}
"""A protocol of servers that a scenario describes: its name is a key of the language, and no provider's."""
WORDS = sorted(({provider.name for provider in REGISTERED} | {*ALIASES}) - ENGLISH - LANGUAGE)
NAMED = re.compile(rf"(?<![a-z])(?:{'|'.join(WORDS)})(?![a-z])", re.IGNORECASE)


def code_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The identifiers and strings of a module with their lines, without its docstrings."""
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in docstrings:
                yield node.lineno, text
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield node.lineno, text
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield node.lineno, text


def named(file: Path) -> list[str]:
    """The places of a file that name a provider."""
    source = file.read_text(encoding="utf-8")
    if NAMED.search(source) is None:
        return []
    tree = ast.parse(source)
    return [f"line {line}: {text[:60]}" for line, text in code_texts(tree) if NAMED.search(text)]


@cache
def named_files() -> dict[str, list[str]]:
    """The files outside of dialects that name a provider, with the places."""
    return {
        str(file.relative_to(PACKAGE)): found
        for file in PACKAGE.rglob("*.py")
        if PACKAGE / "dialects" not in file.parents and (found := named(file))
    }


def test_no_other_code_names_a_provider() -> None:
    assert {name: places for name, places in named_files().items() if name not in ALLOWED} == {}


def test_allowed_files_still_name_one() -> None:
    assert ALLOWED.keys() - named_files().keys() == set()


def test_code_outside_providers_folders_names_none() -> None:
    """`listing.py` lists them; what derives facts from the list names no provider."""
    files = [file for file in (PACKAGE / "dialects").glob("*.py") if file.name != "listing.py"]
    assert {file.name: found for file in files if (found := named(file))} == {}
