"""All providers and their calls, by what a server needs before a request: names, routes and hints.

`listing.json` holds this. A test compares it with the provider objects, and writes it anew on demand. So the folder
of a provider is imported when something needs its dialects, such as its first request.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import decode
from propcache.api import cached_property

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.provider import Provider, ProviderCall, ProviderDescription

FOLDERS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "anthropic": "anthropic_chat_completions",  # also has the calls of the folder `anthropic`
    "gemini": "google",
    "azure": "azure",
    "vertex": "google",
    "ollama": "ollama",
    "bedrock": "bedrock",
    "groq": "groq",
    "together": "together",
    "deepseek": "deepseek",
    "xai": "xai",
    "openrouter": "openrouter",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "zai": "zai",
    "mistral": "mistral",
    "huggingface": "huggingface",
    "vllm": "vllm",
    "cohere": "cohere",
    "mcp": "mcp",
}
"""The folder of each provider. `PROVIDERS` of its `provider.py` contains the object. A new provider is a new line
here (docs/adding-a-dialect.md). The first one is the default: examples without a provider use it, and so does an
unknown path. Where providers share a path and the request has no hint, the provider that comes first serves it."""
FILE: Final = Path(__file__).with_name("listing.json")


def load_provider(name: str) -> Provider:
    """Return the object of a provider, from `provider.py` of its folder. Raises KeyError."""
    provided: tuple[Provider, ...] = import_module(f"mockllm.dialects.{FOLDERS[name]}.provider").PROVIDERS
    return {provider.name: provider for provider in provided}[name]


class ListedCall(Struct, frozen=True, eq=False, dict=True, omit_defaults=True):
    """What the listing has of a provider's call (`ProviderCall`)."""

    provider: str
    id: str
    protocol: str
    """The name of its protocol (`Dialect.name`)."""
    api: str
    generates: bool = False
    makes_media: bool = False
    from_neutral_request: bool = True
    """Whether examples and `explain` make this call from a `NeutralRequest`: see `ProviderCall`."""
    ndjson: bool = False
    """Whether its streams may be lines of JSON."""
    dialect_path: str = ""
    """The module below `mockllm.dialects` and the name, such as `openai.chat.dialect:CHAT`, of a dialect that its own
    module has. The provider's object has the others."""

    @property
    def endpoint(self) -> str:
        """The name in the control API and the journal, such as `openai-chat`."""
        return f"{self.protocol}-{self.api}"

    @property
    def takes_reply(self) -> bool:
        """Whether the reply of a rule can be its response."""
        return self.generates or self.makes_media

    @cached_property
    def call_object(self) -> ProviderCall:
        """The call itself."""
        return LISTED_BY_NAME[self.provider].provider_object.call(self.id)

    @cached_property
    def dialect(self) -> Dialect:
        """The dialect, which serves the call. A request to a call with a `dialect_path` imports only its modules."""
        if not self.dialect_path:
            return self.call_object.dialect
        module, name = self.dialect_path.split(":")
        found: Dialect = getattr(import_module(f"mockllm.dialects.{module}"), name)
        return found


class ListedRoute(Struct, frozen=True, eq=False, array_like=True):
    """A method and path of a call (`ProviderRoute`)."""

    method: str
    path: str
    call_id: str
    needs_prefix: bool = False


class ListedWebSocket(Struct, frozen=True, eq=False, array_like=True):
    """A path with WebSockets (`ProviderWebSocket`)."""

    path: str
    handshake_id: str
    """The id of the call that opens a WebSocket."""
    message_calls: tuple[tuple[str, str], ...]
    """The types of the messages, each with the id of its call."""


class ListedProvider(ProviderDescription, frozen=True, kw_only=True, eq=False, dict=True, omit_defaults=True):
    """What the server knows of a provider before it imports the provider's dialects."""

    calls: Mapping[str, ListedCall]
    """By id, in the order of `Provider.calls`."""
    routes: tuple[ListedRoute, ...]
    websockets: tuple[ListedWebSocket, ...] = ()

    @cached_property
    def provider_object(self) -> Provider:
        """The provider itself."""
        return load_provider(self.name)

    @property
    def first_call(self) -> ListedCall:
        """Its usual generating call."""
        return self.calls[self.routes[0].call_id]


LISTED_PROVIDERS: Final = decode(FILE.read_bytes(), type=tuple[ListedProvider, ...])
"""In the order of `FOLDERS`."""
LISTED_BY_NAME: Final[Mapping[str, ListedProvider]] = {
    provider.name: provider for provider in LISTED_PROVIDERS
}
LISTED_CALLS: Final = tuple(call for provider in LISTED_PROVIDERS for call in provider.calls.values())


def likely_provider(
    named: ListedProvider | None, path: str, headers: Mapping[str, str], query: str
) -> ListedProvider:
    """Return the likely provider of an unknown path. It is one whose `distinctive_paths` the path begins with. Else
    the headers or the query hint at a provider with routes below the prefix of the named one: Azure has some below
    OpenAI's. Else it is the named one. Without a name it is the first hinted one, or the first of all."""
    own = next((each for each in LISTED_PROVIDERS if path.startswith(each.distinctive_paths)), None)
    if own is not None:
        return own
    hinted = [each for each in LISTED_PROVIDERS if each.is_recognized(headers, query)]
    if named is None:
        return hinted[0] if hinted else LISTED_PROVIDERS[0]
    start = f"/{named.name}/"
    return next(
        (each for each in hinted if any(route.path.startswith(start) for route in each.routes)), named
    )


@cache
def paths_by_provider() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the paths of each provider, without methods. They have the prefix where the provider needs it; a route
    that alone needs the prefix is left out. A last entry, `vendors`, has each `compatible_base`. A provider that has
    one and needs its prefix has no other entry."""
    paths = {
        provider.name: tuple(
            dict.fromkeys(before + route.path for route in provider.routes if not route.needs_prefix)
        )
        for provider in LISTED_PROVIDERS
        if not provider.needs_prefix or provider.compatible_base is None
        for before in (f"/{provider.name}" if provider.needs_prefix else "",)
    }
    compatible = [provider for provider in LISTED_PROVIDERS if provider.compatible_base is not None]
    compatible.sort(key=lambda provider: not provider.needs_prefix)
    return (*paths.items(), ("vendors", tuple(str(provider.compatible_base) for provider in compatible)))
