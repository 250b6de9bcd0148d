"""When the user of a realtime session speaks, and what the user says: the script in place of a sound."""

from __future__ import annotations

from typing import NamedTuple


class UserSpeech(NamedTuple):
    """A part of the audio that a client sends in which the user speaks, in milliseconds of that audio."""

    start_ms: int
    stop_ms: int
    transcript: str | None = None
    """What the user says; None where a rule for transcripts has it."""
