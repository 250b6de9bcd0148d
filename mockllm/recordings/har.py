"""HAR files, as browsers and proxies save them. Source: HTTP Archive 1.2 (`log.entries`; times in milliseconds).

Chrome adds the messages of a WebSocket as `_webSocketMessages`. A message has a `type` (`send`, `receive`), a `time`
in seconds since the epoch, `opcode` and `data`, which is base64 for binary messages. Source: `NetworkLog/HAREntry`
of ChromeDevTools/devtools-frontend.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import SWITCHING_PROTOCOLS
from mockllm.core.rendering.recorded_websocket import RecordedMessage
from mockllm.core.rendering.websocket_frames import BINARY
from mockllm.recordings.import_file import ImportFile, NotImported, of, parse_request, parse_response
from mockllm.recordings.interaction import Interaction

MESSAGES: Final = "_webSocketMessages"
IN_THE_BROWSER: Final = ("about:", "blob:", "data:")
"""How URLs begin that never leave the browser."""


def is_format(data: Json) -> bool:
    return isinstance(of(of(data, "log"), "entries"), list)


def interactions(file: ImportFile) -> Iterator[Interaction | str]:
    """Yield the interaction of each entry, or a note on a request without a response. Raises NotImported."""
    for index, entry in enumerate(file.data["log"]["entries"]):
        path = ("log", "entries", index)
        request, response = of(entry, "request"), of(entry, "response")
        url, status = of(request, "url"), of(response, "status")
        if not isinstance(url, str) or not isinstance(status, int):
            raise NotImported(
                f"{file.where(path)}: expected a request with a url, and a response with a status"
            )
        messages = _messages(file, entry, path) if status == SWITCHING_PROTOCOLS else None
        if status < 200 and messages is None:
            yield f"{file.where(path)}: this request has no response, so it is left out"
            continue
        if url.startswith(IN_THE_BROWSER):
            yield f"{file.where(path)}: this request never leaves the browser, so it is left out"
            continue
        content = of(response, "content")
        text = of(content, "text")
        body = b"" if text is None else str(text).encode()
        if of(content, "encoding") == "base64":
            body = file.from_base64(str(text), (*path, "response", "content", "text"))
        posted = of(of(request, "postData"), "text")
        wait = of(of(entry, "timings"), "wait")
        at = max(0.0, wait / 1000) if isinstance(wait, int | float) else 0.0
        method = str(of(request, "method") or "GET")
        recorded = parse_response(status, of(response, "headers"), body, at)
        sent = b"" if posted is None else str(posted).encode()
        yield Interaction(
            parse_request(method, url, of(request, "headers"), sent, file.where(path)),
            replace(recorded, messages=messages),
            file.where(path),
            notes=tuple(_unsaved(request, response, file.where(path))),
        )


def _unsaved(request: Json, response: Json, where: str) -> Iterator[str]:
    """Yield notes on the bodies that the file lacks."""
    content = of(response, "content")
    if of(content, "text") is None and _is_positive(of(content, "size")):
        yield f"{where}: the response's body was not saved, so its replay is empty"
    if of(of(request, "postData"), "text") is None and _is_positive(of(request, "bodySize")):
        yield f"{where}: the request's body was not saved, so only a request without a body is found"


def _is_positive(size: Json) -> bool:
    return isinstance(size, int | float) and size > 0


def _messages(
    file: ImportFile, entry: Json, path: tuple[str | int, ...]
) -> tuple[RecordedMessage, ...] | None:
    """Return the messages of a WebSocket, timed from its first message; None where they were not saved. Raises
    NotImported."""
    listed = of(entry, MESSAGES)
    if not isinstance(listed, list):
        return None
    messages: list[RecordedMessage] = []
    first = None
    for number, item in enumerate(listed):
        at, data, kind = of(item, "time"), of(item, "data"), of(item, "type")
        if not isinstance(at, int | float) or not isinstance(data, str) or kind not in ("send", "receive"):
            where = file.where((*path, MESSAGES, number))
            raise NotImported(f"{where}: expected a message with type, time and data")
        first = at if first is None else first
        binary = of(item, "opcode") == BINARY
        raw = file.from_base64(data, (*path, MESSAGES, number, "data")) if binary else data.encode()
        last = messages[-1].at if messages else 0.0
        messages.append(RecordedMessage(max(last, at - first), raw, kind == "send", binary))
    return tuple(messages)
