"""WebSockets for which a scenario has no rule: a server that records misses forwards their handshake."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mockllm.core.rendering.websocket_session import WEBSOCKET_METHOD
from mockllm.core.request.request import Request
from mockllm.dialects.router import message_kinds
from mockllm.engine.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.scenario.catalog import Catalog, CatalogItem
from mockllm.scenario.language.proxy import ProxySpec

FIELDS_WITHOUT_CONTENT: Final = frozenset(
    {
        "method", "path", "provider", "dialect", "api", "generates", "host", "session", "query", "headers", "api_key",
        "mcp", "hash", "older_hash",
    }
)  # fmt: skip
"""The fields of a message that its content cannot change, and hashes, which recordings of HTTP requests have."""
_NAME: Final = re.compile(r"\w+")


def is_without_rules(engine: Engine, handshake: EngineRequest, read: Callable[[str], EngineRequest]) -> bool:
    """Return whether no rule is for a handshake, and none may reply to the messages of its WebSocket. `read` returns
    a message without content by its method."""
    return not engine.has_rule(handshake) and not _may_reply(engine.catalog, handshake, read)


def _may_reply(catalog: Catalog, handshake: Request, read: Callable[[str], Request]) -> bool:
    messages = [read(f"{WEBSOCKET_METHOD} {kind}") for kind in message_kinds(handshake.path)]
    rules = [item for item in catalog.items[: catalog.rule_count] if not _forwards(item)]
    return any(_may_match(rule, message) for rule in rules for message in messages)


def _forwards(rule: CatalogItem) -> bool:
    """Return whether all responses of a rule are those of another server."""
    assert rule.selector is not None, "a rule has responses"
    return all(isinstance(response.spec, ProxySpec) for response in rule.selector.responses)


def _may_match(rule: CatalogItem, message: Request) -> bool:
    """Return whether a rule matches the head of a message."""
    return all(
        test.matched or _NAME.match(test.field)[0] not in FIELDS_WITHOUT_CONTENT  # type: ignore[index]  # a field has a name
        for test in rule.matcher.test_results(message)
    )
