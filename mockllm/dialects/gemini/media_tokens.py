"""The tokens of a prompt by modality, as the details of a usage state them: those of its media, and of the rest.

A medium counts as in all protocols. Sources: recorded responses of both APIs of 2025 and 2026. There a cached part
has each modality in proportion, and the models of the third generation count a document as images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.prompt_tokens import MEDIA_TOKENS

Modalities: TypeAlias = tuple[tuple[str, int], ...]
"""The tokens of each modality but TEXT."""
NO_MEDIA: Final[Modalities] = ()
_NAMES: Final = (b'eData"', b'e_data"')
"""The ends of the names of media: inlineData, fileData, and both in snake_case."""
_SOUND: Final = 9
"""A video's sound has one of so many tokens."""
_DOCUMENTS: Final = ("*gemini-[12].*", "gemma*")
"""The models that count documents as such."""


def count_names(data: bytes) -> int:
    """Return how often the name of a medium may be in some bytes of a body."""
    return sum(data.count(name) for name in _NAMES)


def media_of(contents: Iterable[Json]) -> Iterator[dict[str, Json]]:
    """Yield the media of contents, also those in the results of functions."""
    for content in contents:
        for part in map(object_of, _items(object_of(content).get("parts"))):
            for name in ("inlineData", "fileData"):
                if part.get(name) is not None:
                    yield object_of(part[name])
            for inner in _items(object_of(part.get("functionResponse")).get("parts")):
                yield from (object_of(medium) for medium in object_of(inner).values() if medium is not None)


def media_tokens(media: Iterable[dict[str, Json]], model: str | None, each: int = MEDIA_TOKENS) -> Modalities:
    """Return the tokens of media by modality, with so many for each of them."""
    counts: dict[str, int] = {}
    for medium in media:
        modality = _modality(medium.get("mimeType"), model)
        sound = each // _SOUND if modality == "VIDEO" else 0
        for name, tokens in ((modality, each - sound), ("AUDIO", sound)):
            if tokens and name != "TEXT":
                counts[name] = counts.get(name, 0) + tokens
    return tuple(counts.items())


def prompt_details(count: int, media: Modalities) -> Modalities:
    """Return the tokens of a prompt by modality, which add up to `count`, also where that is less than the media."""
    total = sum(tokens for _, tokens in media)
    return _with_text(count, media if count >= total else _share(media, count, total))


def cached_details(cached: int, count: int, media: Modalities) -> Modalities:
    """Return the cached ones of a prompt's `count` tokens by modality, in proportion."""
    if not media or not cached:
        return _with_text(cached, NO_MEDIA)
    shown = tuple((name, tokens) for name, tokens in prompt_details(count, media) if name != "TEXT")
    return _with_text(cached, _share(shown, cached, count))


def modality_details(modalities: Modalities) -> list[Json]:
    """Return the entries of modalities, as a usage has them."""
    return [{"modality": name, "tokenCount": tokens} for name, tokens in modalities]


def _share(media: Modalities, part: int, whole: int) -> Modalities:
    return tuple((name, tokens * part // whole) for name, tokens in media)


def _with_text(count: int, media: Modalities) -> Modalities:
    text = count - sum(tokens for _, tokens in media)
    return tuple(entry for entry in (("TEXT", text), *media) if entry[1])


def _modality(mime: Json, model: str | None) -> str:
    kind = mime.partition("/")[0] if type(mime) is str else ""
    if kind in ("image", "audio", "video", "text"):
        return kind.upper()
    return "DOCUMENT" if any(fnmatchcase(model or "", glob) for glob in _DOCUMENTS) else "IMAGE"


def _items(value: Json) -> list[Json]:
    return value if type(value) is list else [] if value is None else [value]
