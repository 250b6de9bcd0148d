"""HAR files, as browsers and proxies save them. Source: HTTP Archive 1.2 (`log.entries`; times in milliseconds)."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.core.json.codec import Json
from mockllm.recordings.import_file import ImportFile, NotImported, of, parse_request, parse_response
from mockllm.recordings.interaction import Interaction


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
        if status < 200:
            yield f"{file.where(path)}: this request has no response, so it is left out"
            continue
        content = of(response, "content")
        text = of(content, "text")
        notes = []
        if text is None and (of(content, "size") or 0) > 0:
            notes.append(f"{file.where(path)}: the response's body was not saved, so its replay is empty")
        body = b"" if text is None else str(text).encode()
        if of(content, "encoding") == "base64":
            body = file.from_base64(str(text), (*path, "response", "content", "text"))
        posted = of(of(request, "postData"), "text")
        wait = of(of(entry, "timings"), "wait")
        at = max(0.0, wait / 1000) if isinstance(wait, int | float) else 0.0
        method = str(of(request, "method") or "GET")
        yield Interaction(
            parse_request(
                method, url, of(request, "headers"), b"" if posted is None else str(posted).encode()
            ),
            parse_response(status, of(response, "headers"), body, at),
            file.where(path),
            notes=tuple(notes),
        )
