"""Clients of the google-genai package for each way to reach Gemini, and a plain request beside them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

from google import genai
from google.auth.credentials import Credentials
from google.genai import types

from tests.live import Live
from tests.process import Process

MODEL = "gemini-mock"


class Token(Credentials):
    """Credentials that no server checks."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.token = "token"

    def refresh(self, request: object) -> None:
        self.token = "token"


def gemini(live: Live) -> genai.Client:
    return genai.Client(api_key="key", http_options=types.HttpOptions(base_url=live.url))


def first_version(live: Live) -> genai.Client:
    return genai.Client(api_key="key", http_options=types.HttpOptions(base_url=live.url, api_version="v1"))


def behind_a_prefix(live: Live) -> genai.Client:
    return genai.Client(api_key="key", http_options=types.HttpOptions(base_url=f"{live.url}/gemini"))


def vertex(live: Live | Process) -> genai.Client:
    return genai.Client(
        vertexai=True,
        project="project",
        location="us-central1",
        credentials=Token(),
        http_options=types.HttpOptions(base_url=live.url),
    )


def post(url: str, body: Any) -> tuple[int, str | None, bytes]:
    """Status, content type and body of a response, without any SDK."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.headers["content-type"], response.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read()
