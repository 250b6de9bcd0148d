"""What an engine has loaded, as `/` and `/health` report it."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from mockllm.dialects.listing import paths_by_provider
from mockllm.dialects.route_table import SHOWN_BASE_PATHS
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.diagnostics import StaleSource


class EngineInfo(Struct, frozen=True):
    """The loaded scenarios, as `/` and `/health` report them.

    `rule_paths` are the paths that rules and modifiers name, `calls` the providers' own, by provider. `sources` are
    the files of the rules, each with its number of rules. `bases` are an SDK's name and the path that follows the
    server's address in the SDK's base URL (`("OpenAI", "/v1")`). `stale` are the files whose reload failed.
    """

    rules: int
    files: int
    rule_paths: tuple[str, ...] = ()
    bases: tuple[tuple[str, str], ...] = ()
    stale: tuple[StaleSource, ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    root_provider: str | None = None
    """The provider whose paths need no prefix."""
    findings: tuple[str, ...] = ()
    """The names of the findings that the loaded files replay, if there are several: each responds in the session of
    its name only."""
    pack_rules: int = 0
    pack_files: int = 0
    """How many of the rules and files belong to packs."""


def engine_info(catalog: Catalog, stale: tuple[StaleSource, ...]) -> EngineInfo:
    """Return what is loaded."""
    paths = dict.fromkeys(path for item in catalog.items for path in item.paths)
    rules = Counter(item.file_and_line.rpartition(":")[0] for item in catalog.items[: catalog.rule_count])
    return EngineInfo(
        rules=catalog.rule_count,
        files=catalog.file_count,
        rule_paths=tuple(paths),
        bases=SHOWN_BASE_PATHS,
        stale=stale,
        calls=paths_by_provider(),
        sources=tuple(rules.items()),
        root_provider=catalog.root_provider,
        findings=tuple(catalog.findings),
        pack_rules=sum(item.layer > 0 for item in catalog.items[: catalog.rule_count]),
        pack_files=catalog.pack_files,
    )
