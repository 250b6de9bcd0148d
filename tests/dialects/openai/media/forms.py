"""Requests for media: forms, and their responses."""

from __future__ import annotations

from typing import Any

from tests.language.virtual_server import ClientRequest, ClientResponse, raw_request, respond_once

NO_RULES = "rules: []"
BOUNDARY = "xyz"
FILE = ("a.png", b"\x89PNG\r\n--not the boundary\x00")


def form_request(path: str, files: dict[str, tuple[str, bytes]], **fields: Any) -> ClientRequest:
    """Return a multipart request; a list is repeated."""
    parts = []
    for name, value in fields.items():
        parts += [
            f'Content-Disposition: form-data; name="{name}"\r\n\r\n{each}\r\n'.encode()
            for each in (value if isinstance(value, list) else [value])
        ]
    for name, (filename, content) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n")
    mark = f"--{BOUNDARY}".encode()
    body = b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return ClientRequest(path, body, headers=headers)


def images(rules: str = NO_RULES, path: str = "generations", **body: Any) -> ClientResponse:
    """Return the response to a JSON request for images."""
    return respond_once(rules, raw_request(f"/v1/images/{path}", {"prompt": "a cat", **body}))


def speech(rules: str = NO_RULES, **body: Any) -> ClientResponse:
    fields = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello there, my friend.", **body}
    return respond_once(rules, raw_request("/v1/audio/speech", fields))


def transcript(rules: str = NO_RULES, file: bytes = b"no audio", **fields: Any) -> ClientResponse:
    path = fields.pop("path", "/v1/audio/transcriptions")
    model = fields.pop("model", "gpt-4o-transcribe")
    return respond_once(rules, form_request(path, {"file": ("a.wav", file)}, model=model, **fields))
