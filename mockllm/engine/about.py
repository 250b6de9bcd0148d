"""What is loaded, as `/` and `/health` say it."""

from __future__ import annotations

from dataclasses import dataclass

from mockllm.scenario.mistakes import Stale


@dataclass(frozen=True, slots=True)
class About:
    """`routes` are lines such as `POST /v1/messages`; `bases` are an SDK's name and the path that follows
    the server's address in its base URL (`("OpenAI", "/v1")`); `stale` are the files that could
    not be loaded anew."""

    rules: int
    files: int
    routes: tuple[str, ...] = ()
    bases: tuple[tuple[str, str], ...] = ()
    stale: tuple[Stale, ...] = ()
