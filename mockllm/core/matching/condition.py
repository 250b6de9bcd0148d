"""What a condition is, and what it may look into. Apart, because every kind of condition builds on it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mockllm.core.json.codec import Json, Missing


class Condition:
    """One condition on one value. No ABC, so that a Struct can be one."""

    def matches(self, value: Json | Missing) -> bool:
        """Whether the value meets it. Never raises."""
        raise NotImplementedError  # pragma: no cover - abstract

    def describe(self) -> str:
        """What is expected, in a few words."""
        raise NotImplementedError  # pragma: no cover - abstract

    def difference(self, value: Json | Missing) -> str | None:
        """What may help a person to see why the value does not meet it; None where there is nothing."""
        return None


class Structured(ABC):
    """What is no JSON and has members all the same."""

    @abstractmethod
    def member(self, name: str) -> Json | Missing:
        """The member's value; MISSING where it has none."""
