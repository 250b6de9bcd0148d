"""Audio as realtime protocols carry it: what is silence, how long bytes last, and silence to send. A script may say
in place of the sound when the user speaks.

Formats: `audio/pcm` has 16-bit samples; `audio/pcmu` and `audio/pcma` (G.711) have 8 bits at 8 kHz. OpenAI's PCM has
24 kHz; Google's has 16 kHz from the client and 24 kHz from the server. Sources: OpenAI's `RealtimeAudioFormats`, and
Google's recorded messages.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import decoded
from mockllm.core.rendering.websocket_session import SERVE_OTHERS, ServeOthers, WebSocketAction
from mockllm.core.user_speech import UserSpeech

MAX_RATE: Final = 192_000
"""Samples in a second; a client may state more."""
BYTES_PER_MS: Final = {"audio/pcm": 48, "audio/pcmu": 8, "audio/pcma": 8}
SILENCE: Final = {"audio/pcm": b"\x00", "audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}
QUIET: Final = {"audio/pcmu": b"\xff\x7f\xfe\x7e", "audio/pcma": b"\xd5\x55\xd4\x54"}
"""The bytes of G.711 that are silence, or nearly."""
LOUD: Final = 1000
"""The least amplitude of a 16-bit sample that is speech at the threshold 1. At 0.5 it is half of it."""
DEFAULT_THRESHOLD: Final = 0.5
WINDOW_MS: Final = 20
"""Milliseconds of audio that are speech or silence as a whole."""
MS_PER_CHARACTER: Final = 60
"""How long a character of a transcript takes to say."""
AUDIO_SLICE: Final = 32 * 1024
"""Bytes of audio in which speech is sought at once, in about a millisecond."""
BASE64_SLICE: Final = 512 * 1024
"""Characters of base64 that are decoded at once. Each four of them are three bytes."""


def silence(format: str, characters: int) -> str:
    """Return silence that lasts as long as it takes to say a text of so many characters, in base64."""
    return b64encode(SILENCE[format] * (BYTES_PER_MS[format] * MS_PER_CHARACTER * characters)).decode()


def is_speech(window: bytes, format: str, threshold: float = DEFAULT_THRESHOLD) -> bool:
    """Return whether a window has a sound. The threshold, from 0 to 1, is for 16-bit samples."""
    if format != "audio/pcm":
        return bool(window.translate(None, QUIET[format]))
    samples = array("h", window[: len(window) // 2 * 2])
    if sys.byteorder == "big":  # pragma: no cover - the machines that run the tests are little-endian
        samples.byteswap()
    least = max(1, round(LOUD * threshold))
    return max(samples, default=0) >= least or min(samples, default=0) <= -least


class VoiceDetector(Struct):
    """Finds speech in audio that comes in parts of any size. All times are milliseconds of the session's audio."""

    format: str = "audio/pcm"
    rate: int | None = None
    """Samples in a second of PCM; None: the format's own."""
    silence_ms: int = 500
    """Silence after which speech has ended."""
    padding_ms: int = 300
    threshold: float = DEFAULT_THRESHOLD
    script: Sequence[UserSpeech] | None = None
    """When the user speaks, in order; None: the sound decides."""
    processed_ms: int = 0
    """How much audio has come."""
    quiet_ms: int = 0
    speaking: bool = False
    rest: bytes = b""
    position: int = 0
    """The entry of the script that is not over."""
    transcripts: list[str] = field(default_factory=list)
    """The transcripts of the script that no one has taken."""
    started_entries: int = 0
    """The number of entries of the script that have begun."""
    idle_at: int | None = None
    """Where a silent user is idle; None: nowhere."""

    @property
    def bytes_per_ms(self) -> int:
        return BYTES_PER_MS[self.format] if self.rate is None else max(2, min(self.rate, MAX_RATE) // 500)

    def process(self, audio: bytes) -> Iterator[tuple[str, int]]:
        """Yield where speech starts (`started`) and ends (`stopped`), and where the user is `idle`. At each,
        `take_transcript` returns the words up to there."""
        size = WINDOW_MS * self.bytes_per_ms
        data = self.rest + audio
        whole = len(data) // size * size
        self.rest = data[whole:]
        for at in range(0, whole, size):
            loud = self._is_loud(data[at : at + size])
            self.processed_ms += WINDOW_MS
            self.quiet_ms = 0 if loud else self.quiet_ms + WINDOW_MS
            if loud and not self.speaking:
                self.speaking, self.idle_at = True, None
                yield "started", max(0, self.processed_ms - WINDOW_MS - self.padding_ms)
            elif self.speaking and not loud and self.quiet_ms >= self.silence_ms:
                self.speaking = False
                yield "stopped", self.processed_ms
            elif self.idle_at is not None and self.processed_ms >= self.idle_at:
                self.idle_at = None
                yield "idle", self.processed_ms

    def react_in_slices(
        self, audio: bytes, react: Callable[[str, int], Iterable[WebSocketAction]]
    ) -> Generator[ServeOthers, None, list[WebSocketAction]]:
        """Process audio, and return the reactions to what was found. Others are served between its slices."""
        actions: list[WebSocketAction] = []
        for start in range(0, len(audio), AUDIO_SLICE):
            if start:
                yield SERVE_OTHERS
            for change, at in self.process(audio[start : start + AUDIO_SLICE]):
                actions += react(change, at)
        return actions

    def take_transcript(self) -> str | None:
        """Return the transcripts of the script since the last call; None if it has none."""
        words, self.transcripts = self.transcripts, []
        return " ".join(words) if words else None

    def clear(self) -> None:
        """Forget the present speech."""
        self.speaking, self.transcripts = False, []
        if self.script is not None:
            self.position = self.started_entries

    def _is_loud(self, window: bytes) -> bool:
        if self.script is None:
            return is_speech(window, self.format, self.threshold)
        while self.position < len(self.script) and self.script[self.position].stop_ms <= self.processed_ms:
            self.position += 1
        if self.position == len(self.script):
            return False
        speech = self.script[self.position]
        if self.processed_ms < speech.start_ms:
            return False
        if self.started_entries <= self.position:
            self.started_entries = self.position + 1
            if speech.transcript is not None:
                self.transcripts.append(speech.transcript)
        return True


def transcript_member(detector: VoiceDetector) -> dict[str, str]:
    """Return the words of a script as the member of a request for a transcript; empty without any."""
    words = detector.take_transcript()
    return {} if words is None else {"transcript": words}


def decode_in_slices(value: Json) -> Generator[ServeOthers, None, bytes | None]:
    """Return the bytes of a text in base64; None in place of anything else. Others are served between the slices."""
    if type(value) is not str:
        return None
    parts: list[bytes] = []
    for start in range(0, len(value), BASE64_SLICE):
        if start:
            yield SERVE_OTHERS
        end = start + BASE64_SLICE
        part = decoded(value[start:end])
        if part is None or (end < len(value) and len(part) < BASE64_SLICE // 4 * 3):  # padding before the end
            return None
        parts.append(part)
    return b"".join(parts)
