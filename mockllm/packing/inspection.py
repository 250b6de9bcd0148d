"""Inspects a pack before it is locked or built: its errors, and its capabilities.

`scenario.pack_files` checks the names and sizes of files. Loading also detects endless patterns, inaccessible files
and invalid templates. The capabilities are computed from the files: responses, targets of requests, files to read. A
pack has no others: it contains no code, opens no port, and reads no file outside of its folder.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from mockllm.core.json.codec import Json
from mockllm.packing.atomic_store import put_tree
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import LOCK_FILE
from mockllm.scenario.pack_files import PackFiles, PackRejected
from mockllm.scenario.pack_graph import UsedPack
from mockllm.scenario.raw_entries import raw_entries

MAX_SHOWN: Final = 10
"""Most diagnostics in a message."""
_FILES: Final = ("file", "body_file", "schema_file", "empirical", "images", "audio", "video")
_NO_SETTINGS: Final = frozenset({"name", "match", "enabled", "description", "priority"})
"""The keys of a modifier that change no response."""
_PROXIES: Final = ("proxy", "upstream")
_COLLECTED: Final = ("faults", "errors", "proxy", "redirects", "posts", "reads", "steers")


class PackCapabilities(Struct, frozen=True):
    """Capabilities of one pack. `faults` by name, `errors` by name or status. `proxy`: the URLs that requests are
    forwarded to. `redirects`: URLs on other servers, to which clients may send their keys. `posts`: the URLs that get
    a request after a response. `environment`: the variables that set its parameters. `uses`: the packs that it uses.
    `steers`: the keys by which its modifiers change responses of other packs and of the user's rules."""

    name: str
    version: str
    rules: int
    modifiers: int
    faults: Sequence[str]
    errors: Sequence[str]
    proxy: Sequence[str]
    redirects: Sequence[str]
    posts: Sequence[str]
    reads: Sequence[str]
    environment: Sequence[str]
    uses: Sequence[str]
    steers: Sequence[str]

    @property
    def leads(self) -> list[str]:
        """The targets of requests and clients and the environment variables in words; empty if the pack has none."""
        named = {
            "forwards requests to": self.proxy,
            "redirects clients to": self.redirects,
            "sends requests after responses to": self.posts,
            "reads the environment variables": self.environment,
        }
        return [f"{text} {', '.join(names)}" for text, names in named.items() if names]

    def as_json(self) -> dict[str, Json]:
        """Return the capabilities for `--json`."""
        return {**asdict(self), "ports": []}


def capabilities(scenarios: LoadedScenarios, pack: UsedPack) -> PackCapabilities:
    """Return the capabilities of a pack's files, including disabled ones."""
    loaded, kinds = scenarios.loaded, Counter[str]()
    found: dict[str, set[str]] = {kind: set() for kind in _COLLECTED}
    for file in (*loaded.files, *loaded.disabled):
        if file.pack != pack.manifest.name:
            continue
        for written in raw_entries(file):
            kinds[written.kind] += 1
            for kind, value in _capabilities_in(written.data):
                found[kind].add(value)
            if written.kind == "modifier" and isinstance(written.data, dict):
                found["steers"] |= written.data.keys() - _NO_SETTINGS
    variables = [param.env for param in pack.manifest.params.values() if param.env]
    names = [name for env in variables for name in ([env] if isinstance(env, str) else env)]
    return PackCapabilities(
        name=pack.manifest.name,
        version=pack.manifest.version,
        rules=kinds["rule"],
        modifiers=kinds["modifier"],
        environment=list(dict.fromkeys(names)),
        uses=[use if isinstance(use, str) else use.pack for use in pack.manifest.use],
        **{kind: sorted(values) for kind, values in found.items()},
    )


def _capabilities_in(value: Json, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the capabilities of a value and of the values inside."""
    if key == "error":
        named = value.get("type", value.get("status", "of its own")) if isinstance(value, dict) else value
        yield "errors", str(named)
    elif key in ("replay", "http") and isinstance(value, dict) and _is_error(value.get("status")):
        yield "errors", str(value["status"])
    elif key in _FILES:
        files = value if isinstance(value, list) else [value]
        yield from (("reads", file) for file in files if isinstance(file, str))
    elif key in _PROXIES:
        yield "proxy", str(value.get("to", value.get("url", value)) if isinstance(value, dict) else value)
    elif key == "then_post":
        yield "posts", str(value.get("to") if isinstance(value, dict) else value)
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


def _is_error(status: Json) -> bool:
    return isinstance(status, int) and status >= 400


def _redirects(value: Json, name: str) -> Iterator[tuple[str, str]]:
    """Yield the values of a key (in any case) that may refer to another server."""
    for key, place in value.items() if isinstance(value, dict) else ():
        if str(key).lower() == name and isinstance(place, str) and ("//" in place or "{" in place):
            yield "redirects", place


def _fault(value: Json) -> str:
    if isinstance(value, dict):
        names = [str(key) for key in value if key not in ("chance", "probability", "at", "after", "enabled")]
        return str(value.get("kind") or value.get("fault") or (names[0] if names else "of its own"))
    return str(value)


def validate_pack(tree: PackFiles, lock: str, known_names: KnownNames) -> PackCapabilities | None:
    """Return the capabilities of a pack, or None if they depend on missing packs that it uses. Raises PackRejected on
    errors; a missing used pack is not an error."""
    with tempfile.TemporaryDirectory(prefix="mockllm-vet-") as temporary:
        folder = Path(temporary) / "pack"
        put_tree(tree, folder)
        scenarios = load_scenarios(ScenarioSources((str(folder),), known_names=known_names, lock=lock))
        diagnostics = with_shown_path(scenarios.diagnostics, str(folder), "")
        own = next((pack for pack in scenarios.loaded.packs if pack.folder == str(folder)), None)
    errors = [diagnostic for diagnostic in diagnostics if not _concerns_other_pack(diagnostic)]
    if errors:
        more = f"\n… and {len(errors) - MAX_SHOWN} more" if len(errors) > MAX_SHOWN else ""
        raise PackRejected("it has errors:\n" + "\n".join(map(str, errors[:MAX_SHOWN])) + more)
    return None if own is None else capabilities(scenarios, own)


def _concerns_other_pack(diagnostic: Diagnostic) -> bool:
    """Return whether a diagnostic concerns a used pack, which may be added later, or the lockfile."""
    if diagnostic.file.rpartition("/")[2] == LOCK_FILE:
        return True
    begins = ('there is no pack "', f"{LOCK_FILE} names", "the pack ", "the installed pack")
    return diagnostic.path.startswith("use") and diagnostic.message.startswith(begins)


def with_shown_path(diagnostics: Iterable[Diagnostic], folder: str, shown: str) -> list[Diagnostic]:
    """Return diagnostics with the shown path instead of the temporary folder."""
    result = []
    for diagnostic in sorted(diagnostics):
        below = diagnostic.file.removeprefix(folder)
        if below != diagnostic.file:
            diagnostic = replace(diagnostic, file=f"{shown}{below}" if shown else below.lstrip("/"))
        result.append(diagnostic)
    return result
