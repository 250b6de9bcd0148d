"""What changes `mockllm.lock`: packs are added, updated, removed; and what it names is fetched or vendored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from mockllm.packing.atomic_store import drop, put_file, put_tree
from mockllm.packing.fetch import FetchedPack, fetch_pack, manifest
from mockllm.packing.pack_source import PackSource, from_here, parse_pack_source
from mockllm.packing.validation import validate_pack
from mockllm.scenario.lockfile import KEPT, LOCK, VENDORED, Lock, LockedPackSpec, lock_text, read_lock
from mockllm.scenario.pack_files import PackRejected, read_tree
from mockllm.scenario.scenario_folder import is_pack
from mockllm.scenario.version_ranges import Range, parse_range, parse_version
from mockllm.scenario.vocabulary import Vocabulary

_IGNORE: Final = b"# Packs that mockllm fetched; mockllm.lock says which.\n*\n"


class VersionConstraint(Struct, frozen=True):
    """A range that something asks for. `where` is its file and line."""

    range: Range
    where: str


class LockChange(Struct, frozen=True):
    """What became of a pack: its version before and now, None where it was or is not there."""

    name: str
    before: str | None
    now: str | None
    source: str
    uses: tuple[str, ...] = ()
    """What it uses by name that is neither locked nor here, or here in a version that does not fit: a line each."""
    moved: bool = False
    """Whether it had another source before."""
    leads: tuple[str, ...] = ()
    """Where it sends requests or clients to, in words."""


class LockfileEditor:
    """The lock at a path, and what may be done to it. `wishes`: the ranges that scenarios and packs ask for, by
    the pack's name."""

    def __init__(
        self,
        path: str,
        wishes: Mapping[str, Sequence[VersionConstraint]] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self.lock: Lock = read_lock(path)
        if self.lock.mistakes:
            raise PackRejected("\n".join(map(str, self.lock.mistakes)))
        self._wishes = wishes or {}
        self._vocabulary = vocabulary or Vocabulary()

    def add(self, text: str) -> LockChange:
        """Fetches a pack and locks it; Refused where another tree has its version already."""
        given = parse_pack_source(text, Path.cwd())
        if given.kind == "git" and "://" not in given.where and Path(given.where).exists():
            given = replace(given, where=str(Path(given.where)))
        found = fetch_pack(given, Path.cwd(), self._ranges_of_source(given))
        return self._take(found, from_here(found.place, self.lock.folder))

    def update(self, name: str) -> LockChange:
        """Takes the newest version that its source has and that fits."""
        word = self._word(name)
        place = parse_pack_source(word.source, self.lock.folder)
        if place.kind == "git":
            place = replace(place, ref=None)
        found = fetch_pack(place, self.lock.folder, [wish.range for wish in self._wishes.get(name, ())])
        if found.word.name != name:
            raise PackRejected(f'{word.source} now holds the pack "{found.word.name}", not "{name}"')
        return self._take(found, found.place)

    def remove(self, name: str) -> LockChange:
        """Takes a pack out of the lock, and its files away."""
        word = self._word(name)
        kept, vendored = self.lock.kept(name), self.lock.vendored(name)
        self._write({other: each for other, each in self.lock.packs.items() if other != name})
        drop(kept, self.lock.folder / KEPT)
        drop(vendored, self.lock.folder / VENDORED)
        return LockChange(name, word.version, None, word.source)

    def missing(self) -> list[str]:
        """The packs that the lock names and that are not here, or not as they were fetched."""
        return [
            name
            for name in self.lock.packs
            if state_of(self.lock, name) in ("missing", "changed") and not is_pack(self.lock.vendored(name))
        ]

    def fetch(self, names: Sequence[str]) -> Iterator[LockChange]:
        """Fetches packs just as the lock has them."""
        for name in names:
            word = self._word(name)
            found = self._as_locked(name, word)
            self._keep(found, self.lock.kept(name))
            yield LockChange(name, None, word.version, word.source)

    def vendor(self) -> Iterator[tuple[str, Path]]:
        """Copies all packs into a folder that can be committed."""
        for name, word in self.lock.packs.items():
            target, kept = self.lock.vendored(name), self.lock.kept(name)
            tree = read_tree(kept) if is_pack(kept) else None
            if tree is None or tree.sha256 != word.sha256:
                tree = self._as_locked(name, word).tree
            put_tree(tree, target)
            yield name, target

    # --- parts ---

    def _word(self, name: str) -> LockedPackSpec:
        if name not in self.lock.packs:
            known = ", ".join(sorted(self.lock.packs)) or "none"
            raise PackRejected(f'{LOCK} names no pack "{name}"; it names {known}')
        return self.lock.packs[name]

    def _as_locked(self, name: str, word: LockedPackSpec) -> FetchedPack:
        place = parse_pack_source(word.source, self.lock.folder)
        try:
            found = fetch_pack(place, self.lock.folder)
        except PackRejected as error:
            raise PackRejected(f"{name} {word.version}: {error}") from None
        if found.tree.sha256 != word.sha256:
            moved = "the tag was moved" if place.kind == "git" else "its files have changed"
            raise PackRejected(
                f"{word.source} does not hold the {name} {word.version} of {LOCK} any more ({moved}): "
                f"expected SHA-256 {word.sha256[:12]}…, found {found.tree.sha256[:12]}…; put them back, or, where "
                f"that is meant, `mockllm pack remove {name}` and add it again"
            )
        return found

    def _take(self, found: FetchedPack, place: PackSource) -> LockChange:
        name, version, digest = found.word.name, found.word.version, found.tree.sha256
        before = self.lock.packs.get(name)
        if before is not None and before.version == version and before.sha256 != digest:
            raise PackRejected(
                f"{name} {version} has other files than the {name} {version} of {LOCK}: a version never changes; "
                f"raise the version in its pack.yaml, or `mockllm pack remove {name}` first"
            )
        self._fits(found)
        could = validate_pack(found.tree, self.lock.path, self._vocabulary)
        word = LockedPackSpec(version=version, source=place.text, commit=found.commit, sha256=digest)
        old = self.lock.kept(name) if before is not None else None
        packs = {**self.lock.packs, name: word}
        self._keep(found, replace(self.lock, packs=packs).kept(name))
        if is_pack(self.lock.vendored(name)):
            put_tree(found.tree, self.lock.vendored(name))
        self._write(packs)
        if old is not None and before is not None and before.version != version:
            drop(old, self.lock.folder / KEPT)
        moved = before is not None and before.source != place.text
        return LockChange(
            name,
            before.version if before else None,
            version,
            place.text,
            self._unfit(found),
            moved,
            tuple(could.leads if could else ()),
        )

    def _fits(self, found: FetchedPack) -> None:
        wishes = self._wishes.get(found.word.name, ())
        unmet = [wish for wish in wishes if not wish.range.holds(found.version)]
        if not unmet:
            return
        met = [wish for wish in wishes if wish.range.holds(found.version)]
        also = "".join(f"\n  {wish.where} asks for {wish.range}, which it fits" for wish in met)
        lines = "".join(f"\n  {wish.where} asks for {wish.range}" for wish in unmet)
        raise PackRejected(f"{found.word.name} {found.word.version} does not fit:{lines}{also}")

    def _unfit(self, found: FetchedPack) -> tuple[str, ...]:
        """What it uses that is not here, or not as it wants it."""
        from mockllm.scenario.pack_resolver import PackResolver

        shelf, told = PackResolver(self.lock), []
        for use in (use if isinstance(use, str) else use.pack for use in found.word.use):
            name, _, wanted = use.partition("@")
            if name.startswith("."):
                continue
            try:
                folder = shelf.find(name).folder
                here = (
                    self.lock.packs[name].version
                    if name in self.lock.packs
                    else manifest(read_tree(folder)).version
                )
                if not parse_range(wanted).holds(parse_version(here)):
                    told.append(f"it uses {use}, and {name} {here} is here: add or update it, too")
            except ValueError:
                told.append(f"it uses {use}, which is not here: add it, too")
        return tuple(told)

    def _ranges_of_source(self, place: PackSource) -> list[Range]:
        """The ranges of the pack that came from this repository before; of a new one the name is not known."""
        text = from_here(replace(place, ref=None), self.lock.folder).text
        for name, word in self.lock.packs.items():
            if replace(parse_pack_source(word.source, self.lock.folder), ref=None).text == text:
                return [wish.range for wish in self._wishes.get(name, ())]
        return []

    def _keep(self, found: FetchedPack, target: Path) -> None:
        ignore = self.lock.folder / KEPT / ".gitignore"
        if not ignore.exists():
            put_file(_IGNORE, ignore)
        put_tree(found.tree, target)

    def _write(self, packs: Mapping[str, LockedPackSpec]) -> None:
        put_file(lock_text(packs).encode(), Path(self.lock.path))
        self.lock = read_lock(self.lock.path)


State = Literal["here", "vendored", "missing", "changed"]


def state_of(lock: Lock, name: str) -> State:
    """How a locked pack is here."""
    for folder, word in ((lock.vendored(name), "vendored"), (lock.kept(name), "here")):
        if is_pack(folder):
            try:
                same = read_tree(folder).sha256 == lock.packs[name].sha256
            except (PackRejected, OSError):
                same = False
            return "changed" if not same else word  # type: ignore[return-value]
    return "missing"
