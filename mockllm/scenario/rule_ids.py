"""The ids of rules and modifiers: the id of their file, a colon, and their name. Both may contain colons."""

from __future__ import annotations

import re
from typing import Final

_FILE: Final = re.compile(r"(?s)(overlay|session|.*?\.(?:ya?ml|py)|[^:]*):")
"""The file of an id and the colon behind it. It is an overlay, a file with a suffix, or a text without a colon, such
as a provider."""


def split_id(id: str) -> tuple[str, str]:
    """Return the file and the name in an id; a name alone has an empty file."""
    found = _FILE.match(id)
    return ("", id) if found is None else (found[1], id[found.end() :])


def short_ids(id: str) -> tuple[str, ...]:
    """Return `pack:name` of `pack/path:name`. A pack's name may be `team/x`, so each folder above the file
    may be one."""
    file, name = split_id(id)
    folders = file.split("/")[:-1] or [file]
    return tuple(f"{'/'.join(folders[:depth])}:{name}" for depth in range(1, len(folders) + 1))


def names_in(id: str) -> tuple[str, ...]:
    """Return the names of a rule or modifier: its name, its id, `pack:name`."""
    return split_id(id)[1], id, *short_ids(id)
