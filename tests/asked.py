"""What tests ask of a running server, wherever it runs."""

from __future__ import annotations

import json
import urllib.request
from abc import ABC, abstractmethod
from typing import Any

from tests.waiting import PATIENCE


class Asked(ABC):
    """A server that listens at `url`."""

    @property
    @abstractmethod
    def url(self) -> str: ...

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON body."""
        asked = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return json.load(answer)

    def ask(self, user: str = "hi", model: str = "gpt-4o") -> str:
        """What a chat completion says."""
        asked = {"model": model, "messages": [{"role": "user", "content": user}]}
        said = self.post("/v1/chat/completions", asked)["choices"][0]["message"]["content"]
        assert isinstance(said, str)
        return said
