"""docs/errors.md equals the dialects' tables: `scripts/errors` writes it."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from msgspec.structs import replace

from mockllm.core.failure import NAMED, Failure
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.cohere.chat import CohereChat
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.providers import REGISTERED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]


def script() -> ModuleType:
    loader = SourceFileLoader("errors_script", str(ROOT / "scripts" / "errors"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_errors_page_is_up_to_date() -> None:
    written = script().page()
    assert written == PAGE, "run scripts/errors, and look at what has changed"


@pytest.mark.parametrize("section", SECTIONS, ids=[section.splitlines()[0] for section in SECTIONS])
def test_tables_have_every_named_error(section: str) -> None:
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == list(NAMED)


@pytest.mark.parametrize("section", SECTIONS, ids=[section.splitlines()[0] for section in SECTIONS])
def test_every_error_has_a_message_and_its_stream(section: str) -> None:
    """A 200 that says why it has no content is no error."""
    cells = [
        row.split(" | ") for row in re.findall(r"^\| (`\w+` \| [45].*) \|$", section, flags=re.MULTILINE)
    ]
    assert [row[0] for row in cells if not row[3].strip()] == []
    *_, stream = re.findall(r"(?ms)^```\n(.*?)\n?```$", section)
    assert stream.strip()


class WaitingChat(CohereChat):
    """Cohere's chat with the header of another provider in its errors."""

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().error(failure, request, identity)
        return replace(plan, head=plan.head.with_headers((("Nimbus-Wait", "7"),)))


def test_header_that_no_200_has_is_shown() -> None:
    (row,) = [row for row in script().rows(WaitingChat()) if row[0] == "rate_limit"]
    assert row[4].endswith("`Nimbus-Wait: 7`")


ENVELOPE = {"fault": {"kind": "slow", "text": "Too many."}}


def test_envelope_of_another_name_has_kind_and_message() -> None:
    errors = script()
    assert errors.error_object(ENVELOPE, "Too many.") == ENVELOPE["fault"]
    assert errors.kind_of(ENVELOPE["fault"], "Too many.") == 'kind: "slow"'
    assert errors.has_error('{"fault": {}}', ['{"fault": {}}'])


def test_errors_page_first_table_lists_statuses() -> None:
    first = re.findall(r"(?ms)^\| error \| (.*?)\n\n", PAGE)[0]
    head, _, *lines = first.splitlines()
    columns = [re.findall(r"\[([^\]]+)\]", cell)[0] for cell in head.strip("| ").split(" | ")]
    known = [
        "OpenAI",
        "Anthropic",
        "Gemini",
        "Azure OpenAI",
        "Vertex AI",
        "Ollama",
        "Amazon Bedrock",
    ]
    assert [column for column in columns if column in known] == known
    documented = {line.split(" | ")[0]: line.strip("| ").split(" | ")[1:] for line in lines}
    assert list(documented) == [f"| `{name}`" for name in NAMED]
    assert documented["| `overloaded`"][0:2] == ["503", "529"]


def test_every_provider_has_a_table() -> None:
    headings = {section.splitlines()[0] for section in SECTIONS}
    models = [each for each in REGISTERED if not each.routes[0].call.dialect.request_class.is_for_mcp_server]
    titles = {provider.name: {call.title for call in provider.calls} for provider in models}
    assert [name for name, own in titles.items() if not own & headings] == []


def test_language_reference_links_to_errors_page() -> None:
    assert "(errors.md)" in (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
