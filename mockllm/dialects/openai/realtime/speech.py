"""The audio of a reply as a realtime session sends it: a WAV or PCM file at the rate of the session, in parts.

PCM of a session has 16-bit samples with one channel at 24 kHz (`RealtimeAudioFormats` of the openai package). A file
with another rate or more channels is converted; other codecs are refused.
"""

from __future__ import annotations

import io
import sys
import wave
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

from mockllm.core.json.typed_values import read_object, text_of
from mockllm.core.reply.reply import Media, Reply, Text, joined_text
from mockllm.dialects.audio import BYTES_PER_MS

AUDIO_DELTA: Final = "response.output_audio.delta"
RATE: Final = 24_000
"""Samples in a second."""
PCM: Final = "audio/pcm"
WAV: Final = frozenset({"audio/wav", "audio/x-wav", "audio/wave"})


class UnsuitableAudio(ValueError):
    """The audio of a reply cannot be sent in a session; the text says why."""


class ReplySpeech:
    """The audio of one reply, of which each chunk of the text gets its part."""

    def __init__(self, samples: bytes, characters: int) -> None:
        self._samples, self._characters = samples, max(1, characters)
        self._covered = self._sent = 0

    def part(self, characters: int) -> str:
        """Return the audio for the next characters of the text, in base64."""
        self._covered += characters
        return self._until(
            len(self._samples) * min(self._covered, self._characters) // self._characters // 2 * 2
        )

    def rest(self) -> str:
        """Return the audio after the text; empty where all was sent."""
        return self._until(len(self._samples))

    def _until(self, end: int) -> str:
        start, self._sent = self._sent, end
        return b64encode(self._samples[start:end]).decode()


def speech_of(reply: Reply, format: str) -> ReplySpeech | None:
    """Return the audio of a supported reply. Raise UnsuitableAudio where the session's format cannot carry it."""
    audio = next((part for part in reply.parts if isinstance(part, Media)), None)
    if audio is None:
        return None
    if format != PCM:
        raise UnsuitableAudio(f"the session sends {format}, and audio of a reply can only be sent as {PCM}")
    characters = sum(len(joined_text(part.chunks)) for part in reply.parts if isinstance(part, Text))
    return ReplySpeech(_samples(audio), characters)


def without_audio(reply: Reply) -> Reply:
    """Return a supported reply without its audio, which is no item."""
    return reply.with_parts([part for part in reply.parts if not isinstance(part, Media)])


def _samples(audio: Media) -> bytes:
    data = b64decode(audio.data)
    if audio.mime == PCM:
        return data[: len(data) // 2 * 2]
    if audio.mime not in WAV:
        raise UnsuitableAudio(f"audio of a reply is a WAV or PCM file, not {audio.mime}")
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise UnsuitableAudio(f"the WAV file of a reply cannot be read: {error}") from None
    if width != 2 or not rate:
        raise UnsuitableAudio(f"the WAV file of a reply has samples of {8 * width} bits, and 16 are needed")
    return _at_rate(_one_channel(frames, channels), rate)


def _one_channel(frames: bytes, channels: int) -> array[int]:
    samples = array("h", frames[: len(frames) // (2 * channels) * 2 * channels])
    if sys.byteorder == "big":  # pragma: no cover - the machines that run the tests are little-endian
        samples.byteswap()
    if channels == 1:
        return samples
    return array(
        "h", (sum(samples[at : at + channels]) // channels for at in range(0, len(samples), channels))
    )


def _at_rate(samples: array[int], rate: int) -> bytes:
    """Return samples at the rate of a session: each new one lies on the line between its neighbours."""
    if rate != RATE and samples:
        last = len(samples) - 1
        places = (at * rate / RATE for at in range(len(samples) * RATE // rate))
        samples = array("h", (_between(samples, min(place, last)) for place in places))
    if sys.byteorder == "big":  # pragma: no cover - see above
        samples.byteswap()
    return samples.tobytes()


def _between(samples: array[int], place: float) -> int:
    at = int(place)
    after = samples[min(at + 1, len(samples) - 1)]
    return round(samples[at] + (after - samples[at]) * (place - at))


def playback_ms(messages: Iterable[bytes], format: str) -> int:
    """Return the milliseconds that the audio of messages lasts. Four characters of base64 are three bytes."""
    size = 0
    for message in messages:
        event = read_object(message)
        if event.get("type") == AUDIO_DELTA:
            size += len(text_of(event.get("delta")) or "") * 3 // 4
    return size // BYTES_PER_MS[format]
