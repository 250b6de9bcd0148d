from __future__ import annotations

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.engine.engine_request import EngineRequest, decode_response
from tests.language.virtual_server import VirtualServer

BODY = dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})


def test_read_request_is_of_the_dialects_class() -> None:
    request = VirtualServer("rules: []").engine.read("POST", "/v1/chat/completions", "", {}, BODY, "", 0.0)
    assert isinstance(request, EngineRequest)
    assert isinstance(request, request.routing.dialect.request_class)
    assert (request.api, request.user) == ("chat", "hi")


def test_request_without_body_has_what_the_engine_has_read() -> None:
    engine = VirtualServer("rules: []").engine
    request = engine.read("POST", "/v1/chat/completions", "", {"x-mockllm-seed": "7"}, BODY, "", 0.0)
    without_body = request.without_body()
    names = ("routing", "stores_responses", "route_mask", "override_or_failure")
    assert [getattr(without_body, name) for name in names] == [getattr(request, name) for name in names]
    assert without_body.raw == b""
    assert without_body.override_or_failure is not None


def test_response_to_unread_request_is_not_decoded() -> None:
    request = Request(method="POST", path="/v1/chat/completions", headers={})
    assert decode_response(request, Plan(ResponseHead(200, ()), ())) is None
