"""What tests ask of a running server, wherever it runs."""

from __future__ import annotations

import json
import urllib.request
from abc import ABC, abstractmethod
from typing import Any

from tests.waiting import PATIENCE


class ServerClient(ABC):
    """A server that listens at `url`."""

    @property
    @abstractmethod
    def url(self) -> str: ...

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as response:
            return json.load(response)

    def post(self, path: str, body: Any) -> Any:
        """The JSON response to a JSON body."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)

    def ask(self, user: str = "hi", model: str = "gpt-4o") -> str:
        """What a chat completion says."""
        request = {"model": model, "messages": [{"role": "user", "content": user}]}
        text = self.post("/v1/chat/completions", request)["choices"][0]["message"]["content"]
        assert isinstance(text, str)
        return text
