"""`user_speech` of a reply: when the user of a realtime session speaks, in place of the sound of the audio."""

from itertools import pairwise
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.quantities.types import quantity_error
from mockllm.core.user_speech import UserSpeech
from mockllm.core.values.types import Duration, Templated
from mockllm.scenario.language.base import Spec


class UserSpeechSpec(Spec):
    """A part of the client's audio in which the user speaks."""

    start: Duration
    """The time in the audio, from its beginning, at which the user begins to speak."""
    stop: Duration
    """The time in the audio at which the user ends. The server finds it after `silence_duration_ms` more audio."""
    transcript: Templated[str] | None = None
    """What the user says; by default the body of the rule for the api `transcription`."""

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.stop <= self.start:
            raise PydanticCustomError(
                "user_speech", "the user stops before the start: stop is more than start"
            )
        return self

    @property
    def speech(self) -> UserSpeech:
        """The part as the core's type."""
        return UserSpeech(round(self.start * 1000), round(self.stop * 1000), self.transcript)


def _in_order(entries: list[UserSpeechSpec]) -> list[UserSpeechSpec]:
    for number, (entry, after) in enumerate(pairwise(entries), 2):
        if after.start < entry.stop:
            raise quantity_error(
                f"entry {number} starts before the entry before it stops; write them in order"
            )
    return entries


UserSpeechScript: TypeAlias = Annotated[list[UserSpeechSpec], AfterValidator(_in_order)]
