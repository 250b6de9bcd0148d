"""The capabilities of a pack, computed from its files: its responses, the targets of requests, and the files it
reads.

A pack has no other capabilities: it contains no code, opens no port, and reads no file outside of its folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.pack_graph import UsedPack
from mockllm.scenario.raw_entries import raw_entries

_FILES: Final = ("file", "body_file", "schema_file", "empirical", "images")
_PROXIES: Final = ("proxy", "upstream")
_COLLECTED: Final = ("faults", "errors", "proxy", "redirects", "reads", "steers")


class PackCapabilities(Struct, frozen=True):
    """Capabilities of one pack. `faults` by name, `errors` by name or status. `proxy`: the URLs that requests are
    forwarded to. `redirects`: URLs on other servers, to which clients may send their keys. `environment`: the
    variables that set its parameters. `uses`: the packs that it uses. `steers`: the keys by which its modifiers
    change responses of other packs and of the user's rules."""

    name: str
    version: str
    rules: int
    modifiers: int
    faults: Sequence[str]
    errors: Sequence[str]
    proxy: Sequence[str]
    redirects: Sequence[str]
    reads: Sequence[str]
    environment: Sequence[str]
    uses: Sequence[str]
    steers: Sequence[str]

    @property
    def leads(self) -> list[str]:
        """The targets of requests and clients in words; empty if the pack has none."""
        targets = {"forwards requests to": self.proxy, "redirects clients to": self.redirects}
        return [f"{text} {', '.join(urls)}" for text, urls in targets.items() if urls]

    def as_json(self) -> dict[str, Json]:
        """Return the capabilities for `--json`."""
        listed = ("faults", "errors", "proxy", "redirects", "reads", "environment", "uses", "steers")
        known = {"name": self.name, "version": self.version, "rules": self.rules, "modifiers": self.modifiers}
        return {**known, "ports": [], **{name: list(getattr(self, name)) for name in listed}}


def capabilities(scenarios: LoadedScenarios, pack: UsedPack) -> PackCapabilities:
    """Return the capabilities of a pack's files, including disabled ones."""
    loading, kinds = scenarios.loading, Counter[str]()
    found: dict[str, set[str]] = {kind: set() for kind in _COLLECTED}
    for file in (*loading.files, *loading.disabled):
        if file.pack != pack.manifest.name:
            continue
        for written in raw_entries(file):
            kinds[written.kind] += 1
            for kind, value in _capabilities_in(written.data):
                found[kind].add(value)
            if written.kind == "modifier" and isinstance(written.data, dict):
                found["steers"] |= written.data.keys() - {
                    "name",
                    "match",
                    "enabled",
                    "description",
                    "priority",
                }
    variables = [each.env for each in pack.manifest.params.values() if each.env]
    flat = [name for each in variables for name in ([each] if isinstance(each, str) else each)]
    uses = [use if isinstance(use, str) else use.pack for use in pack.manifest.use]
    return PackCapabilities(
        name=pack.manifest.name,
        version=pack.manifest.version,
        rules=kinds["rule"],
        modifiers=kinds["modifier"],
        environment=tuple(dict.fromkeys(flat)),
        uses=uses,
        **{kind: sorted(values) for kind, values in found.items()},
    )


def _capabilities_in(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the capabilities of a value and of the values inside."""
    if key == "error":
        named = value.get("type", value.get("status", "of its own")) if isinstance(value, dict) else value
        yield "errors", str(named)
    elif key in ("replay", "http") and isinstance(value, dict) and _is_error(value.get("status")):
        yield "errors", str(value["status"])
    elif key in _FILES:
        yield from (
            ("reads", each)
            for each in (value if isinstance(value, list) else [value])
            if isinstance(each, str)
        )
    elif key in _PROXIES:
        yield "proxy", str(value.get("to", value.get("url", value)) if isinstance(value, dict) else value)
    elif key == "faults":
        for each in value if isinstance(value, list) else [value]:
            yield "faults", _fault(each)
            yield from _redirects(each.get("redirect") if isinstance(each, dict) else None, "to")
        return
    elif key == "headers":
        yield from _redirects(value, "location")
    children = value.items() if isinstance(value, dict) else ()
    for name, child in children:
        if name not in ("match", "schema", "arguments", "body"):
            yield from _capabilities_in(child, str(name))
    if isinstance(value, list):
        for child in value:
            yield from _capabilities_in(child)


def _is_error(status: Any) -> bool:
    return isinstance(status, int) and status >= 400


def _redirects(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield the values of a key (in any case) that may refer to another server."""
    for key, place in value.items() if isinstance(value, dict) else ():
        if str(key).lower() == name and isinstance(place, str) and ("//" in place or "{" in place):
            yield "redirects", place


def _fault(value: Any) -> str:
    if isinstance(value, dict):
        names = [str(key) for key in value if key not in ("chance", "probability", "at", "after", "enabled")]
        return str(value.get("kind") or value.get("fault") or (names[0] if names else "of its own"))
    return str(value)
