"""Secrets of every form, each planted in a request at a place where clients put secrets by design or by mistake."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.waiting import PATIENCE


def key(number: int, prefix: str = "", length: int = 32) -> str:
    """A key that occurs nowhere else; without a prefix nothing in its form shows that it is one."""
    letters = Random(number).choices("aB3dE7gH9kLmNpQrStUvWx2yZ4", k=length)
    return prefix + "".join(letters) + f"{number:03}"


class Planted(NamedTuple):
    """A request with a secret. `target` is as in the request line; a body of bytes is sent as it is."""

    name: str
    secret: str
    target: str = "/v1/chat/completions"
    headers: Mapping[str, str] = {}
    body: Any = None
    method: str = "POST"

    def sent(self, host: str) -> bytes:
        """The bytes of the request."""
        raw = (
            b""
            if self.body is None
            else self.body
            if isinstance(self.body, bytes)
            else json.dumps(self.body).encode()
        )
        headers = {"Host": host, "Connection": "close", "Content-Length": str(len(raw)), **self.headers}
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + raw


def chat(user: str = "hi", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": user}], **more}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def in_headers() -> list[Planted]:
    openai, claude, google, azure = key(1, "sk-proj-"), key(2, "sk-ant-api03-"), key(3, "AIza"), key(4)
    cookie, oauth, aws, token, signature = key(5), key(6, "ya29."), key(7), key(8), key(9)
    hugging, gitlab, slack, retry, host = (
        key(10, "hf_"),
        key(11, "glpat-"),
        key(12, "xoxb-"),
        key(13, "sk-"),
        key(14, "sk-"),
    )
    jwt = f"eyJhbGciOiJIUzI1NiJ9.{key(15, 'eyJ')}.{key(15)}"
    amazon = f"AWS4-HMAC-SHA256 Credential=AKIA{'Q7' * 8}/20260101/us-east-1/bedrock, Signature={signature}"
    latin = base64.b64encode(f"user:pä{key(18)}".encode("latin-1")).decode()
    basic = base64.b64encode(f"user:{key(16)}".encode()).decode()
    return [
        Planted("bearer", openai, headers=bearer(openai), body=chat()),
        Planted("x-api-key", claude, "/v1/messages", {"x-api-key": claude}, {**chat(), "max_tokens": 9}),
        Planted("x-goog-api-key", google, "/v1beta/models/gemini-2.5-flash:generateContent", {"x-goog-api-key": google},
                {"contents": [{"parts": [{"text": "hi"}]}]}),
        Planted("api-key without a form", azure, headers={"api-key": azure}, body=chat()),
        Planted("cookie", cookie, headers={"Cookie": f"theme=dark; sid={cookie}"}, body=chat()),
        Planted("OAuth", oauth, headers=bearer(oauth), body=chat()),
        Planted("proxy-authorization", aws, headers={"Proxy-Authorization": f"Bearer {aws}"}, body=chat()),
        Planted("x-amz-security-token", token, headers={"X-Amz-Security-Token": token}, body=chat()),
        Planted("AWS signature", signature, headers={"Authorization": amazon}, body=chat()),
        Planted("AWS key id", "AKIA" + "Q7" * 8, headers={"Authorization": amazon}, body=chat()),
        Planted("user agent", hugging, headers={"User-Agent": f"bot/1.0 {hugging}", **bearer(key(17))}, body=chat()),
        Planted("idempotency key", gitlab, headers={"Idempotency-Key": gitlab}, body=chat()),
        Planted("request id", slack, headers={"X-Request-Id": slack}, body=chat()),
        Planted("number of the retry", retry, headers={"X-Stainless-Retry-Count": retry}, body=chat()),
        Planted("host", host, headers={"Host": f"{host}.example"}, body=chat()),
        Planted("referer", jwt, headers={"Referer": f"https://app.example/?session={jwt}"}, body=chat()),
        Planted("basic, Latin-1", f"pä{key(18)}", headers={"Authorization": f"Basic {latin}"}, body=chat(f"Is it pä{key(18)}?")),
        Planted("protocols of a WebSocket", key(19), headers={"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{key(19)}"}, body=chat(key(19))),
        Planted("query of the referer", key(33), headers={"Referer": f"https://app.example/?api_key={key(33)}"}, body=chat(f"Is it {key(33)}?")),
        Planted("basic", basic, headers={"Authorization": f"Basic {basic}"}, body=chat(f"Is it {key(16)}?")),
    ]  # fmt: skip


def in_targets() -> list[Planted]:
    path, page, named, opaque, password = key(20, "r8_"), key(21, "tgp-"), key(22, "AIza"), key(23), key(24)
    session, model, encoded, unknown = key(25, "sk-or-v1-"), key(26, "sk-"), key(27, "sk-a/"), key(28, "gsk_")
    gemini = "/v1beta/models/gemini-2.5-flash:generateContent"
    contents = {"contents": [{"parts": [{"text": "hi"}]}]}
    return [
        Planted("path", path, f"/v1/models/{path}", method="GET"),
        Planted("query without a name", page, f"/v1/models?page={page}", method="GET"),
        Planted("query key", named, f"{gemini}?key={named}", body=contents),
        Planted("query key without a form", opaque, f"{gemini}?key={opaque}", body=contents),
        Planted("query key, echoed", key(29), f"{gemini}?key={key(29)}", body={"contents": [{"parts": [{"text": key(29)}]}]}),
        Planted("userinfo", password, f"http://bob:{password}@localhost/v1/chat/completions", body=chat()),
        Planted("session of the path", session, f"/s/{session}/v1/chat/completions", body=chat()),
        Planted("session without a form", key(32), f"/s/{key(32)}/v1/chat/completions", bearer(key(32)), chat()),
        Planted("model of the path", model, f"/v1beta/models/{model}:generateContent", body=contents),
        Planted("encoded", encoded, f"/v1/models?page={quote(encoded, safe='')}", bearer(encoded), method="GET"),
        Planted("unknown path", unknown, f"/nowhere/{unknown}", method="GET"),
        Planted("unparsed", key(30, "sk-"), f"/v1/models bad {key(30, 'sk-')}", method="GET"),
        Planted("method", key(31, "sk-"), method=key(31, "sk-"), body=chat()),
    ]  # fmt: skip


def in_bodies() -> list[Planted]:
    user, system, result, metadata, argument = (
        "ASIA" + "R8" * 8,
        key(41, "gsk_"),
        key(42, "xai-"),
        key(43, "pplx-"),
        key(44, "nvapi-"),
    )
    model, field, unknown, many = key(45, "sk-"), key(46), key(47, "github_pat_"), key(48, "ghp_")
    server = {"type": "mcp", "server_label": "a", "server_url": "https://x.example/mcp"}
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "look", "arguments": json.dumps({"key": argument})},
    }
    tools = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": f"found {result}"},
    ]
    return [
        Planted("user text", user, body=chat(f"Is {user} mine?")),
        Planted("system text", system, body={"model": "gpt-4o", "messages": [{"role": "system", "content": system}, *tools[:1]]}),
        Planted("tool result", result, body={"model": "gpt-4o", "messages": tools}),
        Planted("tool arguments", argument, body={"model": "gpt-4o", "messages": tools}),
        Planted("metadata", metadata, body=chat(metadata={"tenant": metadata})),
        Planted("model", model, body={**chat(), "model": model}),
        Planted("field of a secret", field, body=chat(f"My key is {field}", secret_access_key=field)),
        Planted("short password", "hunter2x", body=chat("Is it hunter2x?", password="hunter2x")),
        Planted("field of JSON in a text", key(50), body=chat(f"Is it {key(50)}?", metadata={"a": json.dumps({"b": [{"api_key": key(50)}]})})),
        Planted("broken JSON", key(51), body=json.dumps(chat(f"Is it {key(51)}?", api_key=key(51))).encode()[:-1]),
        Planted("byte order mark", key(52), body=json.dumps(chat(f"Is it {key(52)}?", api_key=key(52))).encode("utf-8-sig")),
        Planted("headers of a body", key(53), "/v1/responses", body={"model": "gpt-4o", "input": f"Is it {key(53)}?", "tools": [{**server, "headers": {"Cookie": f"sid={key(53)}"}}]}),
        Planted("unknown field", unknown, body={**chat(), unknown: 1}),
        Planted("user of the provider", many, body=chat(user=many)),
        Planted("session", key(49, "ghp_"), headers={"X-Mockllm-Session": key(49, "ghp_")}, body=chat()),
    ]  # fmt: skip


def own_keys() -> list[Planted]:
    """Keys without a form, which the request repeats where a key has no business."""
    places = {
        name: key(number)
        for number, name in enumerate(
            (
                "text",
                "model",
                "session",
                "path",
                "agent",
                "metadata",
                "field",
                "miss",
                "stream",
                "header",
                "name",
                "type",
            ),
            60,
        )
    }
    own = {name: bearer(secret) for name, secret in places.items()}
    return [
        Planted("own key, echoed", places["text"], headers=own["text"], body=chat(f"Say {places['text']}")),
        Planted("own key, model", places["model"], headers=own["model"], body={**chat(), "model": places["model"]}),
        Planted("own key, session", places["session"], headers={**own["session"], "X-Mockllm-Session": places["session"]}, body=chat()),
        Planted("own key, path", places["path"], f"/v1/models/{places['path']}", own["path"], method="GET"),
        Planted("own key, agent", places["agent"], headers={**own["agent"], "User-Agent": f"bot {places['agent']}"}, body=chat()),
        Planted("own key, metadata", places["metadata"], headers=own["metadata"], body=chat(metadata={"a": places["metadata"]})),
        Planted("own key, unknown field", places["field"], headers=own["field"], body={**chat(), places["field"]: 1}),
        Planted("own key, unmatched", places["miss"], headers={**own["miss"], "x-miss": "1"}, body=chat(places["miss"])),
        Planted("own key, other header", places["header"], "/nowhere", headers={**own["header"], "X-Foo": places["header"]}, body=chat()),
        Planted("own key, name of a header", places["name"], "/nowhere", headers={**own["name"], f"X-{places['name']}": "1"}, body=chat()),
        Planted("own key, content type", places["type"], headers={**own["type"], "Content-Type": f"application/json; a={places['type']}"}, body=chat()),
        Planted("own key, stream", places["stream"], headers=own["stream"], body=chat(places["stream"], stream=True)),
    ]  # fmt: skip


def escaped_keys() -> list[Planted]:
    """Own keys with some characters in the escapes of JSON or of URLs, and passwords in URLs."""
    text, nested, slash, path, shown, field = (key(number) for number in range(80, 86))
    slashed = f"{slash[:9]}/{slash[9:]}"
    parts = f"{shown[:7]}%{ord(shown[7]):02x}{shown[8:]}"
    call = {"name": "look", "arguments": json.dumps({"key": nested})}
    tools = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": call}]},
    ]
    urls = [{"type": "mcp", "server_label": "a", "server_url": f"https://bob:{key(86)}@x.example/mcp"}]
    return [
        Planted("own key, JSON escape", text, headers=bearer(text), body=json.dumps(chat(f"Say {text}")).replace(text, escaped(text)).encode()),
        Planted("own key, JSON escape in JSON", nested, headers=bearer(nested), body=json.dumps(chat(messages=tools)).replace(nested, "\\" + escaped(nested)).encode()),
        Planted("own key, escaped slash", slashed, headers=bearer(slashed), body=json.dumps(chat(f"Say {slashed}")).replace("/", "\\/").encode()),
        Planted("own key, partly encoded path", path, f"/v1/models/{path[:7]}%{ord(path[7]):02X}{path[8:]}", bearer(path), method="GET"),
        Planted("own key, partly encoded as shown", parts, f"/v1/models/{parts}", bearer(shown), method="GET"),
        Planted("field of a secret, JSON escape", field, body=json.dumps(chat(secret_access_key=field)).replace(field, escaped(field)).encode()),
        Planted("password of a URL", key(86), "/v1/responses", body={"model": "gpt-4o", "input": "hi", "tools": urls}),
        Planted("password of a URL in a text", key(87), body=chat(f"Open postgres://bob:{key(87)}@db/x")),
    ]  # fmt: skip


def escaped(secret: str) -> str:
    """A secret with one of its characters in the escape of JSON."""
    return f"{secret[:5]}\\u{ord(secret[5]):04x}{secret[6:]}"


PLANTED = [*in_headers(), *in_targets(), *in_bodies(), *own_keys(), *escaped_keys()]


def send(port: int, request: Planted) -> bytes:
    """Send a request and return the response's bytes."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.settimeout(PATIENCE)
        client.sendall(request.sent(f"localhost:{port}"))
        parts = []
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)
