"""Generated audio by format, at 24 kHz with one channel: a quiet tone in WAV and PCM, silence in the others.

Silence is what these formats can write without an encoder. Sources: RFC 3533 and RFC 7845 (Opus in Ogg), RFC 9639
(FLAC), ISO/IEC 13818-3 (MP3), ISO/IEC 14496-3 (AAC).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from functools import cache
from math import pi, sin
from struct import pack, unpack_from
from sys import byteorder
from typing import Final

from mockllm.core.media.subject import digest

RATE: Final = 24_000
"""Samples of a second."""
SAMPLE_BYTES: Final = 2
DEFAULT_SECONDS: Final = 4.0
"""Seconds of generated audio, where neither the scenario nor the protocol says otherwise."""
LONGEST: Final = 300.0
"""Seconds of the longest generated audio."""
LOUDNESS: Final = 1200
"""The amplitude of the tone, of 32,767."""
AUDIO_TYPES: Final[Mapping[str, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""The formats of generated audio, with their media types."""


def make_audio(format: str, seconds: float, subject: str) -> bytes:
    """Return audio of at most LONGEST seconds; an unknown format is a WAV."""
    samples = round(min(max(seconds, 0.0), LONGEST) * RATE)
    return _MAKERS.get(format, _wav)(samples, subject)


def tone(samples: int, subject: str) -> bytes:
    """Return 16-bit samples, least significant byte first, of a tone whose pitch the subject determines."""
    period = 60 + digest(subject)[0] % 60
    cycle = array("h", (round(LOUDNESS * sin(2 * pi * place / period)) for place in range(period)))
    if byteorder == "big":  # pragma: no cover - the machines that run the tests are little-endian
        cycle.byteswap()
    return (cycle.tobytes() * (samples // period + 1))[: samples * SAMPLE_BYTES]


def _wav(samples: int, subject: str) -> bytes:
    data = tone(samples, subject)
    form = pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    return pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + pack("<4sI", b"data", len(data)) + data


MP3_SAMPLES: Final = 576
MP3_FRAME: Final = b"\xff\xf3\x44\xc4" + bytes(92)
"""MPEG-2 layer III, 32 kbit/s, 24 kHz, mono; without data, which is silence."""


def _mp3(samples: int, subject: str) -> bytes:
    return MP3_FRAME * -(-samples // MP3_SAMPLES)


AAC_SAMPLES: Final = 1024
_AAC_DATA: Final = b"\x00\xc8\x00\x80\x23\x80"
"""A block of one silent channel."""


def _aac(samples: int, subject: str) -> bytes:
    length = 7 + len(_AAC_DATA)
    header = 0xFFF1 << 40 | 1 << 38 | 6 << 34 | 1 << 30 | length << 13 | 0x7FF << 2
    return (header.to_bytes(7, "big") + _AAC_DATA) * -(-samples // AAC_SAMPLES)


OPUS_PACKET: Final = b"\xf8\xff\xfe"
"""20 ms of silence."""
OPUS_SAMPLES: Final = 960
"""Samples of a packet at 48 kHz, in which Ogg counts."""
_PACKETS: Final = 50
"""Packets of a page."""


def _opus(samples: int, subject: str) -> bytes:
    head = b"OpusHead" + pack("<BBHIHB", 1, 1, 312, RATE, 0, 0)
    tags = b"OpusTags" + pack("<I", 7) + b"mockllm" + pack("<I", 0)
    packets = max(1, -(-samples * 2 // OPUS_SAMPLES))
    pages = [_ogg_page(2, 0, 0, [head]), _ogg_page(0, 0, 1, [tags])]
    for number, start in enumerate(range(0, packets, _PACKETS), 2):
        end = min(packets, start + _PACKETS)
        kind = 4 if end == packets else 0
        pages.append(_ogg_page(kind, end * OPUS_SAMPLES, number, [OPUS_PACKET] * (end - start)))
    return b"".join(pages)


def _ogg_page(kind: int, position: int, number: int, packets: list[bytes]) -> bytes:
    sizes = bytes(map(len, packets))
    start, rest = pack("<4sBBQII", b"OggS", 0, kind, position, 1, number), bytes([len(packets)]) + sizes
    body = b"".join(packets)
    crc = _crc(start + bytes(4) + rest + body, 32, 0x104C11DB7)
    return start + pack("<I", crc) + rest + body


@cache
def _crc_table(width: int, polynomial: int) -> list[int]:
    """Return the checksums of all bytes."""
    table = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = value << 1 ^ polynomial * (value >> (width - 1))
        table.append(value)
    return table


def _crc(data: bytes, width: int, polynomial: int) -> int:
    """Return a checksum, most significant bit first, without inversions; `polynomial` has its highest bit."""
    table, value, mask, shift = _crc_table(width, polynomial), 0, (1 << width) - 1, width - 8
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> shift ^ byte]
    return value


FLAC_BLOCK: Final = 4096


def _flac(samples: int, subject: str) -> bytes:
    stream_info = RATE << 44 | 0 << 41 | 15 << 36 | samples
    info = pack(">HH", FLAC_BLOCK, FLAC_BLOCK) + bytes(6) + stream_info.to_bytes(8, "big") + bytes(16)
    blocks = range(0, samples, FLAC_BLOCK)
    frames = (_flac_frame(number, min(FLAC_BLOCK, samples - start)) for number, start in enumerate(blocks))
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + b"".join(frames)


def _flac_frame(number: int, size: int) -> bytes:
    """Return a frame of silence: one constant block of one channel. Its number is coded as a character is."""
    header = b"\xff\xf8\x77\x08" + chr(number).encode() + pack(">H", size - 1)
    data = header + bytes([_crc(header, 8, 0x107)]) + b"\x00\x00\x00"
    return data + pack(">H", _crc(data, 16, 0x18005))


_MAKERS: Final[Mapping[str, Callable[[int, str], bytes]]] = {
    "mp3": _mp3,
    "opus": _opus,
    "aac": _aac,
    "flac": _flac,
    "wav": _wav,
    "pcm": tone,
}


MAX_CHUNKS: Final = 1_000
"""The most chunks of a WAV file that are read; files have a few."""


def wav_seconds(data: bytes) -> float | None:
    """Return how long a WAV file lasts; None for any other file, and where its samples come after many chunks."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at, rate = 12, 0
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            break
        kind, size = unpack_from("<4sI", data, at)
        if kind == b"fmt " and at + 20 <= len(data):
            rate = unpack_from("<I", data, at + 16)[0]
        elif kind == b"data":
            return float(min(size, len(data) - at - 8) / rate) if rate else None
        at += 8 + size + size % 2
    return None
