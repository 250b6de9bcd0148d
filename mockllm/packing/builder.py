"""Builds a pack as a wheel and as a zip: the same files produce the same bytes on every machine, without a network.

This module writes the wheel itself: a pack is data, so no build backend is necessary. Files are stored without
compression, because two versions of zlib may compress differently.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mockllm.packing.atomic_store import put_file
from mockllm.packing.fetch import manifest, parse_version_of
from mockllm.scenario.manifest import PackSpec
from mockllm.scenario.pack_files import PackRejected, is_ignored, read_tree
from mockllm.scenario.pack_resolver import ENTRY_POINTS

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time in a zip."""
_WHEEL: Final = b"Wheel-Version: 1.0\nGenerator: mockllm\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_FILE: Final = 0o100644 << 16
DISTRIBUTION: Final = "mockllm-scenarios"


def build(folder: Path, out: Path) -> list[Path]:
    """Write the wheel and the zip of the pack in a folder. Raises PackRejected if the pack cannot be shared."""
    _expect_outside(out, folder)
    try:
        tree = read_tree(folder)
    except OSError as error:
        raise PackRejected(f"{folder}: {error.strerror}") from None
    spec = manifest(tree, str(folder / "pack.yaml"))
    version = str(parse_version_of(spec))
    flat = re.sub(r"[^a-z0-9]+", "-", spec.name.lower())
    archives = {
        out / f"{stem(spec.name)}-{_pep440(version)}-py3-none-any.whl": wheel(tree.files, spec, version),
        out / f"{flat}-{version}.zip": _zipped(tree.files),
    }
    for path, content in archives.items():
        put_file(content, path)
    return list(archives)


def _expect_outside(out: Path, folder: Path) -> None:
    """Raise PackRejected if archives in the folder `out` would be files of the pack."""
    where, pack = out.resolve(), folder.resolve()
    if where.is_relative_to(pack) and not is_ignored(where.relative_to(pack).as_posix()):
        other = "choose dist in it, or a folder outside"
        raise PackRejected(f"{out} is in the pack, so the next build would contain the archives; {other}")


def stem(name: str) -> str:
    """Return the distribution name of a pack in file names, which is also its folder in the wheel."""
    return "mockllm_pack_" + re.sub(r"[^a-z0-9]+", "_", name.lower())


def wheel(files: Mapping[str, bytes], spec: PackSpec, version: str) -> bytes:
    """Return a wheel with the files as package data, and with an entry point for the pack."""
    package, about = stem(spec.name), f"{stem(spec.name)}-{_pep440(version)}.dist-info"
    inside = {f"{package}/{path}": content for path, content in files.items()}
    inside[f"{about}/METADATA"] = _metadata(spec, version).encode()
    inside[f"{about}/WHEEL"] = _WHEEL
    inside[f"{about}/entry_points.txt"] = f"[{ENTRY_POINTS}]\n{spec.name} = {package}\n".encode()
    lines = [f"{path},sha256={_digest(inside[path])},{len(inside[path])}" for path in sorted(inside)]
    record = f"{about}/RECORD"
    inside[record] = "".join(f"{line}\n" for line in (*map(_quoted, lines), f"{record},,")).encode()
    return _zipped(inside, last=record)


def _metadata(spec: PackSpec, version: str) -> str:
    requires = spec.requires
    requirement = requires if isinstance(requires, str) or requires is None else requires.mockllm
    name = stem(spec.name).replace("_", "-")
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {_pep440(version)}"]
    if spec.description:
        lines.append(f"Summary: {' '.join(spec.description.split())}")
    if spec.license:
        lines.append(f"License: {' '.join(spec.license.split())}")
    if requirement and "^" not in requirement and "~" not in requirement:
        lines.append(f"Requires-Dist: {DISTRIBUTION} ({requirement.replace(' ', '')})")
    return "\n".join(lines) + "\n"


def _pep440(version: str) -> str:
    """Return a semantic version in the form of wheels: `1.0.0rc1` for `1.0.0-rc.1`."""
    numbers, _, pre = version.partition("-")
    if not pre:
        return numbers
    match = re.fullmatch(r"(a|alpha|b|beta|rc|c|pre)\.?(\d+)?", pre)
    if match is None:
        raise PackRejected(f'a wheel cannot have the version "{version}"; write -alpha.1, -beta.1 or -rc.1')
    kind = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc"}.get(match[1], match[1])
    return f"{numbers}{kind}{match[2] or 0}"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _quoted(line: str) -> str:
    """Quote a line of RECORD, which is CSV, if its path contains a comma."""
    path, digest, size = line.rsplit(",", 2)
    return f'"{path}",{digest},{size}' if "," in path else line


def _zipped(files: Mapping[str, bytes], last: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files, key=lambda path: (path == last, path)):
            entry = zipfile.ZipInfo(path, _TIME)
            entry.external_attr, entry.create_system = _FILE, 3
            archive.writestr(entry, files[path])
    return buffer.getvalue()
