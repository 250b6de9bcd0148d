"""All providers as whole objects. Importing this module imports every dialect, so a server does it only when it needs
all of them; `listing.py` suffices for their names and routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from mockllm.dialects.dialect import Dialect, ReplyDialect
from mockllm.dialects.listing import FOLDERS, load_provider
from mockllm.dialects.provider import Provider

REGISTERED: Final = tuple(map(load_provider, FOLDERS))
"""In the order of `FOLDERS`."""
BY_NAME: Final[Mapping[str, Provider]] = {provider.name: provider for provider in REGISTERED}
DEFAULT: Final = REGISTERED[0]
DIALECTS: Final[tuple[Dialect, ...]] = tuple(
    dict.fromkeys(call.dialect for provider in REGISTERED for call in provider.calls)
)


class PythonCall(NamedTuple):
    """A call of the official Python SDK; `path` follows the base URL of its client."""

    package: str
    client: str
    method: str
    path: str


PYTHON_CALLS: Final = {
    route.call.endpoint: PythonCall(*route.call.python_call, route.path.removeprefix(provider.base))
    for provider in REGISTERED
    for route in provider.routes
    if route.call.python_call
}
"""By endpoint, such as `openai-chat`."""


class GeneratingCall(NamedTuple):
    """A generating call that examples make from a `NeutralRequest` (`ProviderCall.from_neutral_request`)."""

    provider: str
    id: str
    dialect: ReplyDialect

    @property
    def name(self) -> str:
        """`openai-chat`; unique."""
        return f"{self.provider}-{self.id}"

    @property
    def endpoint(self) -> str:
        """The name in the control API and the journal, such as `openai-chat`."""
        return f"{self.dialect.name}-{self.dialect.api}"


GENERATING_CALLS: Final[tuple[GeneratingCall, ...]] = tuple(
    GeneratingCall(provider.name, call.id, cast(ReplyDialect, call.dialect))
    for provider in REGISTERED
    for call in provider.calls
    if call.dialect.generates and call.from_neutral_request
)
"""Those of each provider with its usual one first."""


def generating_dialect(provider: str, api: str | None = None) -> ReplyDialect | None:
    """Return a provider's call by its id or its api, the usual one without `api`; None where there is none."""
    own = [call for call in GENERATING_CALLS if call.provider == provider]
    matches = [call for call in own if api in (None, call.id)] or [
        call for call in own if api == call.dialect.api
    ]
    return matches[0].dialect if matches else None
