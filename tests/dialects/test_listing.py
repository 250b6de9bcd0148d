"""`listing.json` equals the provider objects. `MOCKLLM_UPDATE_GOLDEN=1` writes it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest
from msgspec import to_builtins
from msgspec.json import encode

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Framing
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.listing import (
    FILE,
    FOLDERS,
    LISTED_BY_NAME,
    LISTED_PROVIDERS,
    ListedCall,
    ListedProvider,
    ListedRoute,
    ListedWebSocket,
)
from mockllm.dialects.provider import Provider, ProviderCall, ProviderDescription
from mockllm.dialects.providers import REGISTERED

UPDATES: Final = bool(os.environ.get("MOCKLLM_UPDATE_GOLDEN"))
loaded_list = pytest.mark.skipif(
    UPDATES, reason="this process loaded the list before it was written: run again"
)


def _call(provider: str, call: ProviderCall) -> ListedCall:
    dialect = call.dialect
    capabilities = getattr(dialect, "capabilities", None)
    return ListedCall(
        provider,
        call.id,
        dialect.name,
        dialect.api,
        dialect.generates,
        dialect.request_class.makes_media,
        call.from_neutral_request,
        capabilities is not None and Framing.NDJSON in capabilities.framings,
        _dialect_path(dialect),
    )


def _dialect_path(dialect: Dialect) -> str:
    """Where the module of a dialect's class has it under a name; empty where it has not."""
    module = sys.modules[type(dialect).__module__]
    names = [name for name, value in vars(module).items() if value is dialect]
    return f"{module.__name__.removeprefix('mockllm.dialects.')}:{names[0]}" if names else ""


def _listed(provider: Provider) -> ListedProvider:
    fields = {name: getattr(provider, name) for name in ProviderDescription.__struct_fields__}
    return ListedProvider(
        **fields,
        calls={call.id: _call(provider.name, call) for call in provider.calls},
        routes=tuple(
            ListedRoute(method, path, call.id, alone) for method, path, call, alone in provider.routes
        ),
        websockets=tuple(
            ListedWebSocket(path, handshake.id, tuple((event, call.id) for event, call in messages))
            for path, handshake, messages in provider.websockets
        ),
    )


def _laid_out(value: Json, depth: int = 3) -> str:
    """Return JSON with a line for each call, each route and each fact."""
    if not depth or not isinstance(value, dict | list) or not value:
        return encode(value).decode()
    if isinstance(value, dict):
        lines = [f"{encode(key).decode()}: {_laid_out(child, depth - 1)}" for key, child in value.items()]
        return "{\n" + ",\n".join(lines) + "\n}"
    return "[\n" + ",\n".join(_laid_out(child, depth - 1) for child in value) + "\n]"


def test_listing_equals_providers() -> None:
    expected = _laid_out(to_builtins([_listed(provider) for provider in REGISTERED])) + "\n"
    if UPDATES:
        FILE.write_text(expected, encoding="utf-8")
    up_to_date = FILE.read_text(encoding="utf-8") == expected
    assert up_to_date, (
        "mockllm/dialects/listing.json is not what the provider objects say, so routes and calls may be missing: "
        "run MOCKLLM_UPDATE_GOLDEN=1 pytest tests/dialects/test_listing.py"
    )


def test_folders_of_providers_are_packages() -> None:
    folders = [FILE.parent / folder for folder in dict.fromkeys(FOLDERS.values())]
    lacking = [folder.name for folder in folders if not (folder / "__init__.py").is_file()]
    assert lacking == [], "add an empty `__init__.py`: without it, lint-imports finds no module of that name"


@loaded_list
def test_listed_providers_are_in_order_of_folders() -> None:
    assert [provider.name for provider in LISTED_PROVIDERS] == list(FOLDERS)


@loaded_list
@pytest.mark.parametrize("provider", REGISTERED, ids=lambda provider: provider.name)
def test_listed_call_has_the_dialect_of_its_provider(provider: Provider) -> None:
    listed = LISTED_BY_NAME[provider.name]
    assert listed.provider_object is provider
    assert [call.call_object for call in listed.calls.values()] == list(provider.calls)
    for call, full in zip(listed.calls.values(), provider.calls, strict=True):
        assert call.dialect is full.dialect
    assert [call.endpoint for call in listed.calls.values()] == [call.endpoint for call in provider.calls]


def test_request_loads_only_the_folders_of_its_provider() -> None:
    """In another process, because this one has loaded all of them."""
    code = (
        "import sys\n"
        "from mockllm.dialects.router import find_route\n"
        "def loaded():\n"
        "    names = {name.split('.')[2] for name in sys.modules if name.startswith('mockllm.dialects.')}\n"
        "    return sorted(names & {'openai', 'anthropic', 'google', 'gemini', 'vendors', 'cohere'})\n"
        "print(loaded())\n"
        "found = find_route('POST', '/v1/chat/completions', {})\n"
        "print(loaded())\n"
        "found.dialect\n"
        "print(loaded())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]", "['openai']"]


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("/v1/chat/completions", "openai.chat.dialect"),
        ("/v1/responses", "openai.responses.dialect"),
        ("/v1/messages", "anthropic.messages"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "gemini.generate"),
    ],
)
def test_usual_call_loads_no_other_calls(path: str, module: str) -> None:
    code = (
        "import sys\n"
        "from mockllm.dialects.router import find_route\n"
        f"found = find_route('POST', '{path}', {{}})\n"
        "print(type(found.dialect).__module__)\n"
        "print([name for name in sys.modules if name.endswith('.provider') and name.count('.') == 3])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"mockllm.dialects.{module}", "[]"]


def test_vendor_loads_no_folder_of_another_vendor() -> None:
    code = (
        "import sys\n"
        "from mockllm.dialects.listing import FOLDERS, load_provider\n"
        "load_provider('groq')\n"
        "names = {name.split('.')[2] for name in sys.modules if name.startswith('mockllm.dialects.')}\n"
        "print(sorted(names & {*FOLDERS.values()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['groq', 'openai']"]
