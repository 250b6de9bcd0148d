"""The base classes of conditions and of values with members. Separate, because every kind of condition imports
them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mockllm.core.json.codec import Json, Missing


class Condition:
    """A test on one value. Not an ABC, so that a Struct can be a condition."""

    def matches(self, value: Json | Missing) -> bool:
        """Return whether the value meets the condition. Never raises."""
        raise NotImplementedError  # pragma: no cover - abstract

    def describe(self) -> str:
        """Return the expected value in a few words."""
        raise NotImplementedError  # pragma: no cover - abstract

    def difference(self, value: Json | Missing) -> str | None:
        """Return a hint why the value does not meet the condition; None where there is no hint."""
        return None


class Structured(ABC):
    """A value with members that is not a JSON object."""

    @abstractmethod
    def member(self, name: str) -> Json | Missing:
        """Return the member's value; MISSING where there is none."""
