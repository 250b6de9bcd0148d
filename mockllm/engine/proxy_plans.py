"""Plans of requests that another server responds to, and the hosts to which a rule may forward them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan, ProxyTarget
from mockllm.core.rendering.websocket_session import WEBSOCKET_METHOD
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.scenario.catalog import CatalogItem, CompiledResponse
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.settings_merge import ResolvedSettings

USER_LAYER: Final = 0
"""The layer (precedence) of the rules in the user's own files: see `scenario.overlay`."""


class ProxyRefused(Exception):
    """A rule that the user did not write forwards requests, with their keys, to a host that is not allowed."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"a pack or the control API may not forward requests to {host}; allow it with --proxy-allow {host}"
        )


def check_proxy(item: CatalogItem, compiled: CompiledResponse, allowed: Collection[str] | None) -> None:
    """Raise ProxyRefused if a rule of a pack or of the control API forwards to a host that is not `allowed`; None
    allows any."""
    spec = compiled.spec
    if allowed is None or item.layer == USER_LAYER or not isinstance(spec, ProxySpec):
        return
    host = urlsplit(spec.to).hostname or ""
    if host.lower() not in allowed:
        raise ProxyRefused(host)


def proxy_plan(
    spec: ProxySpec,
    resolved: ResolvedSettings,
    dialect: Dialect,
    request: Request,
    identity: ResponseIdentity,
) -> Plan:
    """Return the plan of a `proxy`, whose response another server makes, after the hold and the delay.

    The plan's own body is for examples and `explain`, which send nothing to the other server.
    """
    message = f"A running server forwards this request to {spec.to}."
    if request.method.startswith(f"{WEBSOCKET_METHOD} "):
        message = "A WebSocket is forwarded as a whole: write match: {api: handshake} beside proxy."
    plan = dialect.error(Failure("bad_gateway", message=message), request, identity)
    target = ProxyTarget(spec.to, spec.record)
    delivery = replace(plan.delivery, proxy_target=target, hold=resolved.hold)
    return replace(plan, delay=resolved.delay, delivery=delivery)
