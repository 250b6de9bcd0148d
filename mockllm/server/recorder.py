"""Passes requests on to the real provider, streams the answer through, and writes down what passed.

Every chunk leaves in the turn of the loop in which it came, before anything is written down; the file is made when
the answer has ended. Apart from the player, because here the times are somebody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from mockllm.core.failure import Failure
from mockllm.core.hash import looked_up
from mockllm.core.plan import Framing, Head, Plan, Raw
from mockllm.core.recording import Frame
from mockllm.core.redaction import secret_name
from mockllm.core.request import Request
from mockllm.engine import Answer
from mockllm.recordings.interaction import LEFT_OUT, Answered, Asked, Interaction
from mockllm.recordings.keeping import file_name, keep
from mockllm.recordings.writing import Reader, scenario
from mockllm.server.answering import NotPassed
from mockllm.server.wire import END_OF_CHUNKS, Opening, chunk

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MARK: Final = "x-mockllm-recorder"
"""Names each recorder that a request has passed, so that it never passes one twice."""
READABLE: Final = frozenset({"gzip", "deflate", "identity", "x-gzip"})
"""Of what a client can unpack, what can be read here too: nothing else is asked of the provider."""
SHARED: Final = "shared"
"""The folder of requests without a session."""
CONNECT: Final = 30.0
"""Seconds until a provider must have taken a connection."""


class Outlet(Protocol):
    """Where an answer is written."""

    def write(self, data: bytes) -> None: ...

    @property
    def full(self) -> bool: ...

    async def drained(self) -> None: ...


class Passed(NamedTuple):
    """What came of it; `whole`: the provider ended its answer as HTTP has it."""

    answer: Answer
    opening: Opening
    whole: bool


@dataclass
class Recorder:
    """Where requests go, by provider, and where the files stand. `everything`: all provider calls are passed
    on, not only those that no rule answers. `say` tells a person; `failed` counts what was not written."""

    upstreams: Mapping[str, str]
    out: Path
    reader: Reader
    say: Callable[[str], None]
    everything: bool = False
    id: str = field(default_factory=lambda: token_hex(8))
    failed: int = 0
    written: int = 0
    _session: ClientSession | None = None
    _kept: dict[tuple[str | None, str], list[Interaction]] = field(default_factory=dict)

    def takes(self, answer: Answer, request: Request | None) -> bool:
        """Whether this is answered by the provider."""
        if request is None:
            return False
        if self.everything:
            return True
        return answer.missed and request.provider in self.upstreams

    async def pass_on(
        self,
        request: Request,
        path: str,
        headers: Mapping[str, str],
        open: Callable[[Plan], Opening],
        outlet: Outlet,
        clock: Callable[[], float],
    ) -> Passed:
        """Asks the provider, and hands its answer through. `path` is the client's own, without a session;
        `clock` tells the seconds since the request's last byte. Raises NotPassed where nothing has left yet."""
        url = self._url(request, headers)
        response = await self._ask(request, url, headers)
        async with response:
            plan = Plan(_head(response), (), Framing.SSE)
            opening = open(plan)
            frames, whole = await _through(response, opening, outlet, clock)
        asked, secrets = _asked(request, path, headers)
        answered = Answered(response.status, _pairs(response), tuple(frames))
        note = f"passed on to {request.provider}"
        if whole:
            made = Interaction(asked, answered, path, request.session, extra=secrets)
            note += await self._keep(request, made)
        else:
            note += ": its answer was cut off, and is not recorded"
            self.failed += 1
        body = b"".join(frame.data for frame in frames)
        shown = Plan(plan.head, (Raw(body, 0),), plan.framing)
        return Passed(Answer(shown, None, notes=(note,)), opening, whole)

    async def close(self) -> None:
        """Ends the connections to providers."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # for what closing has put off to the loop's next turn

    def _url(self, request: Request, headers: Mapping[str, str]) -> str:
        if self.id in headers.get(MARK, ""):
            raise NotPassed(
                Failure(
                    "bad_request", message=f"The upstream of {request.provider} leads back to this recorder."
                )
            )
        base = self.upstreams.get(request.provider or "")
        if base is None:
            known = ", ".join(self.upstreams) or "none"
            message = f"There is no upstream for {request.provider or 'this path'}; there is {known}."
            raise NotPassed(
                Failure("not_found", message=f"{message} Give --upstream {request.provider or 'NAME'}=URL.")
            )
        own, path = urlsplit(base).path, request.path
        if own and path.startswith(f"{own}/"):
            base = base.removesuffix(own)
        return f"{base}{path}" + (f"?{request.query_string}" if request.query_string else "")

    async def _ask(self, request: Request, url: str, headers: Mapping[str, str]) -> ClientResponse:
        from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar
        from yarl import URL

        if self._session is None:
            self._session = ClientSession(
                auto_decompress=False,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=CONNECT),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        try:
            return await self._session.request(
                request.method,
                URL(url, encoded=True),
                headers=self._onward(headers),
                data=request.raw or None,
                allow_redirects=False,
            )
        except (TimeoutError, ClientError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            message = f"The upstream of {request.provider} does not answer: {reason}"
            raise NotPassed(Failure("bad_gateway", message=message)) from None

    def _onward(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The client's headers, without those of its connection to us."""
        onward = {}
        for name, value in headers.items():
            low = name.lower()
            if (
                low in LEFT_OUT
                or low in ("host", "content-encoding", "expect")
                or low.startswith("x-mockllm-")
            ):
                continue
            onward[name] = _readable(value) if low == "accept-encoding" else value
        onward[MARK] = ",".join(filter(None, (headers.get(MARK), self.id)))
        if not any(name.lower() == "accept-encoding" for name in onward):
            onward["Accept-Encoding"] = "identity"
        return onward

    async def _keep(self, request: Request, made: Interaction) -> str:
        """Writes the file; what is said of it."""
        hash = looked_up(request)
        kept = self._kept.setdefault((made.session, hash), [])
        kept.append(made)
        folder = self.out / file_name(made.session or SHARED)
        path = folder / f"{file_name(request.api or 'call')}-{hash[:16]}.yaml"
        title = f"Recorded from {request.provider} by mockllm"
        try:
            text, notes = scenario(kept, title, self.reader)
            await asyncio.to_thread(keep, path, text)
        except OSError as error:
            self.failed += 1
            self.say(f"error: not recorded: {path}: {error.strerror}")
            return f"; not recorded: {error.strerror}"
        for note in notes:
            self.say(f"note: {note}")
        self.written += 1
        return f", recorded in {path}"


async def _through(
    response: ClientResponse, opening: Opening, outlet: Outlet, clock: Callable[[], float]
) -> tuple[list[Frame], bool]:
    """The frames as they came, each written on before the next is waited for; and whether it was all."""
    from aiohttp import ClientError

    frames: list[Frame] = []
    outlet.write(opening.head)
    try:
        async for data in response.content.iter_any():
            frames.append(Frame(clock(), data))
            if not opening.bodiless:
                outlet.write(chunk(data) if opening.chunked else data)
                if outlet.full:
                    await outlet.drained()
    except (TimeoutError, ClientError):
        return frames, False
    if opening.chunked and not opening.bodiless:
        outlet.write(END_OF_CHUNKS)
    return frames, True


def _head(response: ClientResponse) -> Head:
    """The provider's head as the client is given it: a length that it told stays."""
    drop = LEFT_OUT - {"content-length"}
    return Head(
        response.status,
        tuple((name, value) for name, value in response.headers.items() if name.lower() not in drop),
    )


def _pairs(response: ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple(response.headers.items())


def _asked(request: Request, path: str, headers: Mapping[str, str]) -> tuple[Asked, tuple[str, ...]]:
    """The request as it is written down, and the secrets that stood in its query."""
    query = parse_qsl(request.query_string, keep_blank_values=True)
    secrets = tuple(value for name, value in query if secret_name(name) and value)
    kept = urlencode([(name, value) for name, value in query if not secret_name(name)])
    return Asked(request.method, path, kept, tuple(headers.items()), request.raw), secrets


def _readable(accepted: str) -> str:
    names = [each.strip() for each in accepted.split(",")]
    return (
        ", ".join(each for each in names if each.partition(";")[0].strip().lower() in READABLE) or "identity"
    )
