"""What the access log quotes of a body has no secrets."""

from __future__ import annotations

from mockllm.core.redaction import Redactor
from mockllm.core.request.request import Request
from mockllm.server import access_log
from mockllm.server.access_log import MAX_SEARCHED_BODY, AccessLog
from tests.dialects.openai.batches.batch_requests import BOUNDARY, form
from tests.language.virtual_server import VirtualServer
from tests.server.test_access_log import RECORD

KEY = "zq81hv93kd02nf64"


def test_near_miss_of_a_form_has_no_key() -> None:
    """The prompt repeats the key of another field."""
    body = form({"api_key": KEY, "prompt": f"hallo {KEY}"}, ("a.wav", b"RIFF"))
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    engine = VirtualServer("rules: [{reply: Hi.}]").engine
    request = engine.read("POST", "/v1/audio/transcriptions", "", headers, body, "", 0.0)
    lines = [f'a.yaml:1: form.prompt expected "hello", found "hallo {KEY}"', "b.yaml:1: ho"]
    (first, second) = access_log._near_misses(lines, Redactor(), request)
    assert first == 'a.yaml:1: form.prompt expected "hello", found "hallo REDACTED"'
    assert second == lines[1]


def test_near_miss_of_a_long_body_has_no_random_word() -> None:
    """The body is not searched, which takes long."""
    body = b'{"a": "%s"}' % (b"a b " * MAX_SEARCHED_BODY)
    request = Request(method="POST", path="/v1/messages", headers={}, raw=body)
    lines = [f'a1b2c3d4e5f6g7h8.yaml:1: user found "hallo {KEY}"', f"found {KEY}", "b.yaml:1: ho"]
    shown = access_log._near_misses(lines, Redactor(), request)
    assert shown == ('a1b2c3d4e5f6g7h8.yaml:1: user found "hallo REDACTED', "found REDACTED", "b.yaml:1: ho")


def test_verbose_line_shows_no_long_body() -> None:
    written: list[str] = []
    body = b'{"a": "%s"}' % (b"a" * MAX_SEARCHED_BODY)
    request = Request(method="POST", path="/v1/messages", headers={}, raw=body)
    AccessLog(written.append, verbose=True).show(RECORD, request)
    assert written[1] == "  (a body of 1,048,585 bytes is not searched for secrets, and not shown)"
