"""The names in a template: values of one request, regex groups, pack parameters.

Separate from the syntax, because only this module knows requests. A value is read on demand as plain JSON; a missing
one is MISSING.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.request.messages import ResultPart
from mockllm.core.request.request import Request


class TemplateScope:
    """The names of one request. `captures` are the regex groups of the rule's match. `result` is the tool result
    that the rule matched (else the first one is `tool_result`)."""

    __slots__ = ("captures", "params", "request", "result")

    def __init__(
        self,
        request: Request,
        params: Mapping[str, Json] | None = None,
        captures: Mapping[str, str] | None = None,
        result: ResultPart | None = None,
    ) -> None:
        self.request = request
        self.params: Mapping[str, Json] = params or {}
        self.captures: Mapping[str, str] = captures or {}
        self.result = result

    def read(self, name: str) -> Json | Missing:
        """Return the value of a name."""
        reader = NAMES.get(name)
        return self.params.get(name, MISSING) if reader is None else reader(self)


def item(value: Json | Missing, key: str | int) -> Json | Missing:
    """Return a member of an object or an item of a list; MISSING where there is none, and for any other value. The
    keys of objects are texts, so that `match[1]` is `match['1']`."""
    if type(value) is dict:
        return value.get(str(key), MISSING)
    if type(value) is list and type(key) is int and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def _present(value: Json) -> Json | Missing:
    """Return MISSING for None, so that `default` applies."""
    return MISSING if value is None else value


def _clean(text: str) -> str:
    """Return a text of the head without lone surrogates (bytes outside of UTF-8), which JSON does not support."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _query(scope: TemplateScope) -> Json:
    return {_clean(name): _clean(text) for name, text in scope.request.query.items()}


def _headers(scope: TemplateScope) -> Json:
    """Return the headers by name in lower case."""
    return {name.lower(): _clean(text) for name, text in scope.request.headers.items()}


def _messages(scope: TemplateScope) -> Json:
    return [{"role": message.role, "text": message.text} for message in scope.request.messages]


def _tool_result(scope: TemplateScope) -> Json | Missing:
    if scope.result is not None:
        return _result(scope.result)
    results = scope.request.tool_results
    return _result(results[0]) if results else MISSING


def _tool_results(scope: TemplateScope) -> Json:
    """Return the results by name; of several of one name the first, as with `tool_result`."""
    return {
        part.name: _result(part) for part in reversed(scope.request.tool_results) if part.name is not None
    }


def _result(part: ResultPart) -> Json:
    members: dict[str, Json] = {
        "name": part.name,
        "id": part.id,
        "text": part.text,
        "is_error": part.is_error,
    }
    value = part.json
    if value is not MISSING:
        members["json"] = value
    return members


NAMES: Final[Mapping[str, Callable[[TemplateScope], Json | Missing]]] = {
    "model": lambda scope: _present(scope.request.model),
    "user": lambda scope: _present(scope.request.user),
    "typed": lambda scope: _present(scope.request.typed),
    "system": lambda scope: _present(scope.request.system),
    "messages": _messages,
    "turn": lambda scope: scope.request.turn,
    "tools": lambda scope: [*scope.request.tool_names],
    "tool_result": _tool_result,
    "tool_results": _tool_results,
    "query": _query,
    "headers": _headers,
    "path": lambda scope: _clean(scope.request.path),
    "body": lambda scope: scope.request.body,
    "session": lambda scope: _present(scope.request.session and _clean(scope.request.session)),
    "now": lambda scope: int(scope.request.now),
    "match": lambda scope: dict(scope.captures),
    "mcp": lambda scope: dict(scope.request.mcp) or MISSING,
}
"""All names but those of parameters."""
