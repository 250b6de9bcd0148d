"""What is loaded, as `/` and `/health` say it."""

from __future__ import annotations

from msgspec import Struct

from mockllm.scenario.diagnostics import StaleSource


class EngineInfo(Struct, frozen=True):
    """`routes` are the paths that rules name; `calls` the providers' own, by provider; `sources` the files that
    rules stand in, each with how many. `bases` are an SDK's name and the path that follows
    the server's address in its base URL (`("OpenAI", "/v1")`); `stale` are the files that could
    not be loaded anew."""

    rules: int
    files: int
    routes: tuple[str, ...] = ()
    bases: tuple[tuple[str, str], ...] = ()
    stale: tuple[StaleSource, ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
