"""Decides whether a request is or may be forwarded to a provider, and by which `ProviderProxy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockllm.core.rendering.plan import Plan
from mockllm.engine.engine_request import EngineRequest
from mockllm.server.app import App
from mockllm.server.exchange import Exchange

if TYPE_CHECKING:
    from mockllm.server.pending_recordings import PendingRecordings
    from mockllm.server.provider_proxy import ProviderProxy


def goes_to_provider(app: App, exchange: Exchange) -> bool:
    """Return whether the request is forwarded to a provider, or the proxy refuses it: it knows no address of the
    provider. A request that the server has refused is not forwarded: its body was dropped."""
    request, content, proxy = exchange.request, exchange.response.content, app.provider_proxy
    if exchange.body_refused or request is None:
        return False
    if isinstance(content, Plan) and content.delivery.proxy_target is not None:
        return True
    return proxy is not None and proxy.forwards(exchange.response, request)


def get_or_create_proxy(app: App) -> ProviderProxy:
    """Return what forwards requests to providers; for the first rule that proxies, create one that stores nothing."""
    if app.provider_proxy is None:
        from mockllm.recordings.scenario_writer import RequestParser
        from mockllm.server.provider_proxy import ProviderProxy
        from mockllm.server.upstreams import Upstreams

        app.provider_proxy = ProviderProxy(Upstreams({}), None, RequestParser(), lambda _: None)
    return app.provider_proxy


def recordings_to_wait_for(app: App, exchange: Exchange) -> PendingRecordings | None:
    """Return the recordings for which a request may have to wait before `serve_waiting_exchange` lets the engine
    decide."""
    proxy = app.provider_proxy
    return None if proxy is None or exchange.websocket_session is not None else proxy.pending


def leaves_unmatched(app: App, request: EngineRequest) -> bool:
    """Return whether the engine leaves a request unmatched now. Nothing is counted."""
    from mockllm.engine import Engine

    return isinstance(app.engine, Engine) and app.engine.preview(request).build().unmatched


def proxy_of_handshake_without_rules(app: App, exchange: Exchange) -> ProviderProxy | None:
    """Return what forwards a handshake, if no rule is for it or for the messages of its WebSocket."""
    proxy, request, engine = app.provider_proxy, exchange.request, app.engine
    if proxy is None or request is None or proxy.upstreams.base_url_of(request) is None:
        return None
    from mockllm.engine import Engine
    from mockllm.engine.websockets_without_rules import is_without_rules

    def read(method: str) -> EngineRequest:
        reader = exchange.head.of_websocket_message(method).reader(engine)
        return reader.read(b"{}", exchange.client_address, exchange.now, exchange.monotonic)

    return proxy if isinstance(engine, Engine) and is_without_rules(engine, request, read) else None
