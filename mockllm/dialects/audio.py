"""Audio as realtime protocols carry it: what is silence, how long bytes last, and silence to send.

Formats: `audio/pcm` has 16-bit samples; `audio/pcmu` and `audio/pcma` (G.711) have 8 bits at 8 kHz. OpenAI's PCM has
24 kHz; Google's has 16 kHz from the client and 24 kHz from the server. Sources: OpenAI's `RealtimeAudioFormats`, and
Google's recorded messages.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode, b64encode
from binascii import Error
from typing import Final

from msgspec import Struct

MAX_RATE: Final = 192_000
"""Samples in a second; a client may state more."""
BYTES_PER_MS: Final = {"audio/pcm": 48, "audio/pcmu": 8, "audio/pcma": 8}
SILENCE: Final = {"audio/pcm": b"\x00", "audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}
QUIET: Final = {"audio/pcmu": b"\xff\x7f\xfe\x7e", "audio/pcma": b"\xd5\x55\xd4\x54"}
"""The bytes of G.711 that are silence, or nearly."""
LOUD: Final = 500
"""The least amplitude of a 16-bit sample that is speech."""
WINDOW_MS: Final = 20
"""Milliseconds of audio that are speech or silence as a whole."""
MS_PER_CHARACTER: Final = 60
"""How long a character of a transcript takes to say."""


def silence(format: str, characters: int) -> str:
    """Return silence that lasts as long as it takes to say a text of so many characters, in base64."""
    return b64encode(SILENCE[format] * (BYTES_PER_MS[format] * MS_PER_CHARACTER * characters)).decode()


def decoded(audio: object) -> bytes | None:
    """Return the bytes of an `audio` field; None where it is no base64."""
    if not isinstance(audio, str):
        return None
    try:
        return b64decode(audio, validate=True)
    except (Error, ValueError):
        return None


def is_speech(window: bytes, format: str) -> bool:
    """Return whether a window has a sound."""
    if format != "audio/pcm":
        return bool(window.translate(None, QUIET[format]))
    samples = array("h", window[: len(window) // 2 * 2])
    if sys.byteorder == "big":  # pragma: no cover - the machines that run the tests are little-endian
        samples.byteswap()
    return any(sample >= LOUD or sample <= -LOUD for sample in samples)


class VoiceDetector(Struct):
    """Finds speech in audio that comes in parts of any size. All times are milliseconds of the session's audio."""

    format: str = "audio/pcm"
    rate: int | None = None
    """Samples in a second of PCM; None: the format's own."""
    silence_ms: int = 500
    """Silence after which speech has ended."""
    padding_ms: int = 300
    processed_ms: int = 0
    """How much audio has come."""
    quiet_ms: int = 0
    speaking: bool = False
    rest: bytes = b""

    @property
    def bytes_per_ms(self) -> int:
        return BYTES_PER_MS[self.format] if self.rate is None else max(2, min(self.rate, MAX_RATE) // 500)

    def process(self, audio: bytes) -> list[tuple[str, int]]:
        """Return where speech starts (`started`) and ends (`stopped`)."""
        size = WINDOW_MS * self.bytes_per_ms
        data = self.rest + audio
        found: list[tuple[str, int]] = []
        whole = len(data) // size * size
        for at in range(0, whole, size):
            loud = is_speech(data[at : at + size], self.format)
            self.processed_ms += WINDOW_MS
            self.quiet_ms = 0 if loud else self.quiet_ms + WINDOW_MS
            if loud and not self.speaking:
                self.speaking = True
                found.append(("started", max(0, self.processed_ms - WINDOW_MS - self.padding_ms)))
            elif self.speaking and self.quiet_ms >= self.silence_ms:
                self.speaking = False
                found.append(("stopped", self.processed_ms))
        self.rest = data[whole:]
        return found
