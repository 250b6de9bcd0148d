"""The near misses of the access log quote a form without its secrets."""

from __future__ import annotations

from mockllm.core.redaction import Redactor
from mockllm.server import access_log
from tests.dialects.openai.batches.batch_requests import BOUNDARY, form
from tests.language.virtual_server import VirtualServer

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
