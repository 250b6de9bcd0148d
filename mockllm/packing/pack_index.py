"""The index of a company's packs: a YAML file, usually in a git repository. It has names, sources and checksums.

It changes with each release of a pack, so it is read at the newest commit. A pack that was found by it must have the
files whose SHA-256 the index states.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, StringConstraints, ValidationError

from mockllm.packing import git
from mockllm.packing.fetch import FetchedPack
from mockllm.packing.pack_source import PackSource, from_here, parse_pack_source
from mockllm.scenario.language.base import NullableSpec
from mockllm.scenario.lockfile import PackName
from mockllm.scenario.pack_files import PackRejected
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.version_ranges import Version, parse_version
from mockllm.scenario.yaml_reader import read_source

INDEX_FILE: Final = "index.yaml"
MAX_INDEX: Final = 8 * 1024 * 1024
"""Most bytes of an index."""
_HEAD: Final = "# An index of packs, written by `mockllm pack index`.\n"


class IndexedVersionSpec(NullableSpec):
    """One version of a pack."""

    ref: str | None = None
    """The tag or commit in the pack's git repository; without one the tag of the version."""
    source: str | None = None
    """The source of this version; without one that of the pack. Each version in an archive has its own."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The SHA-256 of the pack's files."""


class IndexedPackSpec(NullableSpec):
    """One pack."""

    description: str | None = None
    """The purpose of the pack, in a sentence."""
    source: str
    """The source of the pack, as `mockllm pack add` takes it, without a tag."""
    versions: dict[str, IndexedVersionSpec] = Field(default_factory=dict)
    """The versions, by number."""


class IndexSpec(NullableSpec):
    """The whole file."""

    index: Literal[1]
    """The version of the format."""
    packs: dict[PackName, IndexedPackSpec] = Field(default_factory=dict)
    """The packs, by name."""


class IndexedVersion(Struct, frozen=True):
    """A version of a pack: its source, and the SHA-256 that its files must have."""

    version: Version
    place: PackSource
    sha256: str


class PackIndex(Struct, frozen=True):
    """An index that was read. `shown` is its file or URL. Paths in a file are relative to its `folder`."""

    packs: Mapping[str, IndexedPackSpec]
    shown: str
    folder: Path | None = None

    def versions(self, name: str, here: Path) -> Iterator[IndexedVersion]:
        """Yield the versions of a pack. Raises PackRejected if the index has an invalid source or version."""
        pack = self.packs.get(name)
        if pack is None:
            return
        for text, entry in pack.versions.items():
            place = parse_pack_source(entry.source or pack.source, self.folder or here)
            if self.folder is not None:
                place = from_here(place, here, self.folder)
            try:
                version = parse_version(text)
            except ValueError as error:
                raise PackRejected(f"{self.shown}: {name}: {error}") from None
            ref = (entry.ref or f"v{text}") if place.kind == "git" else None
            yield IndexedVersion(
                version, PackSource(place.kind, place.where, ref, place.inside), entry.sha256
            )

    def search(self, words: Sequence[str]) -> list[str]:
        """Return the names of the packs that have all words in their name or description, in order."""
        return [
            name
            for name, pack in sorted(self.packs.items())
            if all(word.lower() in f"{name} {pack.description or ''}".lower() for word in words)
        ]


def read_index(text: str, here: Path) -> PackIndex:
    """Return the index at `text`: a file, or `URL#FILE` of a git repository. Raises PackRejected."""
    if (here / text).is_file():
        try:
            with (here / text).open("rb") as file:
                content = file.read(MAX_INDEX + 1)
        except OSError as error:
            raise PackRejected(f"{text} cannot be read: {error.strerror}") from None
        return replace(parse_index(content, text), folder=(here / text).parent)
    place = parse_pack_source(text, here)
    if place.kind != "git":
        raise PackRejected(f'there is no file or git repository "{text}" with an index of packs')
    path = place.inside or INDEX_FILE
    with git.fetched(place, here, moving=True) as found:
        try:
            content = git.read_file(found, path, MAX_INDEX)
        except git.GitFailed:
            raise PackRejected(f"{place.text} has no file {path}") from None
    return parse_index(content, place.text)


def parse_index(content: bytes, shown: str) -> PackIndex:
    """Return the index in the bytes of a file. Raises PackRejected with positions."""
    if len(content) > MAX_INDEX:
        raise PackRejected(f"{shown} is larger than {MAX_INDEX // 2**20} MiB")
    source = read_source(content, shown)
    diagnostics = list(source.diagnostics)
    if not diagnostics:
        try:
            return PackIndex(IndexSpec.model_validate(source.data).packs, shown)
        except ValidationError as error:
            diagnostics = diagnostics_of(error, source, (), IndexSpec)
    raise PackRejected("\n".join(map(str, diagnostics)))


def with_packs(
    packs: Mapping[str, IndexedPackSpec], found: Sequence[FetchedPack], folder: Path
) -> dict[str, IndexedPackSpec]:
    """Return the packs of an index in a folder, with these versions in addition. Raises PackRejected for a version
    that the index has with other files: a version never changes. A repository has all versions of a pack, and an
    archive or a folder only one."""
    result = dict(packs)
    for each in found:
        name, version, digest = each.manifest.name, str(each.version), each.tree.sha256
        known = result.get(name)
        versions = dict(known.versions) if known else {}
        if version in versions and versions[version].sha256 != digest:
            raise PackRejected(f"{name} {version} has other files than the {name} {version} of the index")
        place = from_here(replace(each.place, ref=None), folder)
        if known and known.source != place.text:
            moved = (
                place.kind == "git" == parse_pack_source(known.source, folder).kind
            )  # with all its versions
            versions = versions if moved else _with_source(versions, known.source)
        versions[version] = IndexedVersionSpec(ref=each.place.ref, sha256=digest)
        newest = max(versions, key=parse_version)
        about = each.manifest.description if newest == version or known is None else known.description
        result[name] = IndexedPackSpec(description=about, source=place.text, versions=versions)
    return result


def _with_source(versions: Mapping[str, IndexedVersionSpec], source: str) -> dict[str, IndexedVersionSpec]:
    """Return versions that stay at the source of their pack when that changes."""
    return {
        version: entry if entry.source else entry.model_copy(update={"source": source})
        for version, entry in versions.items()
    }


def index_text(packs: Mapping[str, IndexedPackSpec]) -> str:
    """Return the content of an index; the same text for the same packs."""
    lines = [_HEAD, "index: 1\n", "packs:\n" if packs else "packs: {}\n"]
    for name, pack in sorted(packs.items()):
        lines.append(f"  {json.dumps(name)}:\n")
        if pack.description is not None:
            lines.append(f"    description: {json.dumps(pack.description, ensure_ascii=False)}\n")
        lines.append(f"    source: {json.dumps(pack.source, ensure_ascii=False)}\n    versions:\n")
        for version in sorted(pack.versions, key=parse_version):
            fields = pack.versions[version].model_dump(exclude_none=True)
            lines.append(f"      {json.dumps(version)}: {json.dumps(fields, ensure_ascii=False)}\n")
    return "".join(lines)
