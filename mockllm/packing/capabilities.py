"""What a pack could do to who uses it, told from its files: what it answers with, where it sends requests to, what
it reads.

A pack can do nothing else: it has no code, opens no port, and reads no file outside of its folder.
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
_FOUND: Final = ("faults", "errors", "proxy", "redirects", "reads", "steers")


class PackCapabilities(Struct, frozen=True):
    """Of one pack. `faults` by name, `errors` by name or status; `proxy`: where requests are passed on to;
    `redirects`: those of other servers that clients are sent to, who may take their keys along; `environment`: the
    variables that set its parameters; `uses`: the packs that answer behind it; `steers`: the words by which its
    modifiers change what other packs and the user's own rules answer."""

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
        """Where it sends requests or clients to, in words; nothing where all stays here."""
        ways = {"passes requests on to": self.proxy, "sends clients on to": self.redirects}
        return [f"{words} {', '.join(places)}" for words, places in ways.items() if places]

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        listed = ("faults", "errors", "proxy", "redirects", "reads", "environment", "uses", "steers")
        known = {"name": self.name, "version": self.version, "rules": self.rules, "modifiers": self.modifiers}
        return {**known, "ports": [], **{name: list(getattr(self, name)) for name in listed}}


def capabilities(gathered: LoadedScenarios, pack: UsedPack) -> PackCapabilities:
    """What stands in a pack's files, enabled or not."""
    loading, kinds = gathered.loading, Counter[str]()
    found: dict[str, set[str]] = {kind: set() for kind in _FOUND}
    for file in (*loading.files, *loading.disabled):
        if file.pack != pack.word.name:
            continue
        for written in raw_entries(file):
            kinds[written.kind] += 1
            for kind, value in _told(written.data):
                found[kind].add(value)
            if written.kind == "modifier" and isinstance(written.data, dict):
                found["steers"] |= written.data.keys() - {
                    "name",
                    "match",
                    "enabled",
                    "description",
                    "priority",
                }
    variables = [each.env for each in pack.word.params.values() if each.env]
    flat = [name for each in variables for name in ([each] if isinstance(each, str) else each)]
    uses = [use if isinstance(use, str) else use.pack for use in pack.word.use]
    return PackCapabilities(
        name=pack.word.name,
        version=pack.word.version,
        rules=kinds["rule"],
        modifiers=kinds["modifier"],
        environment=tuple(dict.fromkeys(flat)),
        uses=uses,
        **{kind: sorted(values) for kind, values in found.items()},
    )


def _told(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All that is told of by a value and what lies in it."""
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
            yield from _elsewhere(each.get("redirect") if isinstance(each, dict) else None, "to")
        return
    elif key == "headers":
        yield from _elsewhere(value, "location")
    children = value.items() if isinstance(value, dict) else ()
    for name, child in children:
        if name not in ("match", "schema", "arguments", "body"):
            yield from _told(child, str(name))
    if isinstance(value, list):
        for child in value:
            yield from _told(child)


def _is_error(status: Any) -> bool:
    return isinstance(status, int) and status >= 400


def _elsewhere(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """What stands under a name (in any case), where it may lead to another server."""
    for key, place in value.items() if isinstance(value, dict) else ():
        if str(key).lower() == name and isinstance(place, str) and ("//" in place or "{" in place):
            yield "redirects", place


def _fault(value: Any) -> str:
    if isinstance(value, dict):
        said = [str(key) for key in value if key not in ("chance", "probability", "at", "after", "enabled")]
        return str(value.get("kind") or value.get("fault") or (said[0] if said else "of its own"))
    return str(value)
