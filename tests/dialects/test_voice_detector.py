"""Speech in audio: found by its sound or by a script, in parts of any size."""

from __future__ import annotations

import pytest

from mockllm.core.user_speech import UserSpeech
from mockllm.dialects.audio import VoiceDetector

QUIET, SOUND = (data * 24 for data in (b"\0\0", b"\x00\x20"))
"""A millisecond of 16-bit samples at 24 kHz."""
SCRIPT = (UserSpeech(400, 1200, "One."), UserSpeech(3000, 4000), UserSpeech(6000, 6500, "Three."))


def scripted(script: tuple[UserSpeech, ...] = SCRIPT, **settings: int) -> VoiceDetector:
    return VoiceDetector(script=script, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [7, 100, 3_000, 48 * 8_000])
def test_script_says_when_speech_starts_and_stops(size: int) -> None:
    detector, audio = scripted(), QUIET * 8_000
    found = [
        change for at in range(0, len(audio), size) for change in detector.process(audio[at : at + size])
    ]
    assert found == [
        ("started", 100),
        ("stopped", 1700),
        ("started", 2700),
        ("stopped", 4500),
        ("started", 5700),
        ("stopped", 7000),
    ]


def test_transcripts_belong_to_their_speech() -> None:
    detector = scripted()
    words = [
        detector.take_transcript() for change, _ in detector.process(QUIET * 8_000) if change == "stopped"
    ]
    assert words == ["One.", None, "Three."]
    assert detector.take_transcript() is None


def test_sound_is_not_detected_where_a_script_is() -> None:
    assert list(scripted(()).process(SOUND * 2_000)) == []


def test_short_pause_of_a_script_is_one_speech() -> None:
    detector = scripted((UserSpeech(0, 300, "One"), UserSpeech(500, 700, "two.")), padding_ms=0)
    assert list(detector.process(QUIET * 2_000)) == [("started", 0), ("stopped", 1200)]
    assert detector.take_transcript() == "One two."


def test_cleared_speech_is_not_detected_again() -> None:
    detector = scripted()
    assert list(detector.process(QUIET * 600)) == [("started", 100)]
    detector.clear()
    assert detector.take_transcript() is None
    assert list(detector.process(QUIET * 2_600)) == [("started", 2700)]
    sound = VoiceDetector()
    list(sound.process(SOUND * 600))
    sound.clear()
    assert list(sound.process(SOUND * 100)) == [("started", 300)]


def test_no_silence_is_needed_after_the_speech() -> None:
    assert list(scripted(silence_ms=0, padding_ms=0).process(QUIET * 2_000)) == [
        ("started", 400),
        ("stopped", 1220),
    ]


@pytest.mark.parametrize(
    ("threshold", "sample", "speaks"), [(0.5, 499, 0), (0.5, 500, 1), (1.0, 999, 0), (0.0, 1, 1)]
)
def test_threshold_is_the_least_amplitude(threshold: float, sample: int, speaks: int) -> None:
    detector = VoiceDetector(threshold=threshold)
    assert len(list(detector.process(sample.to_bytes(2, "little") * 24 * 20))) == speaks
