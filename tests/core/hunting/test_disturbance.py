"""Disturbances: modifiers, keys and texts."""

from __future__ import annotations

from mockllm.core.hunting.disturbance import Disturbance, schedule_key, schedule_text

RESET = Disturbance("reset", {"faults": ["crlf", {"reset": {}}, None]}, {"api": "chat"}, 1, 2)


def test_disturbance_is_a_modifier() -> None:
    assert RESET.modifier("a") == {
        "name": "a",
        "match": {"api": "chat"},
        "skip": 1,
        "times": 2,
        "faults": ["crlf", {"reset": {}}, None],
    }
    assert Disturbance("x", {"delay": "1s"}).modifier("b") == {"name": "b", "delay": "1s"}


def test_fault_names_are_those_of_the_settings() -> None:
    assert RESET.fault_names == ("crlf", "reset")
    assert Disturbance("x", {"delay": "1s"}).fault_names == ()


def test_schedule_key_ignores_the_order() -> None:
    other = Disturbance("x", {})
    assert schedule_key((RESET, other)) == schedule_key((other, RESET))
    assert schedule_key((RESET,)) != schedule_key((other,))


def test_schedule_text_names_requests() -> None:
    assert schedule_text(()) == "no disturbance"
    assert str(RESET) == "reset on api chat, requests 2 to 3"
    assert str(Disturbance("x", {}, times=1)) == "x, request 1"
    assert str(Disturbance("x", {})) == "x, every request"
    assert schedule_text((Disturbance("x", {}, skip=2), RESET)) == f"x, from request 3 on + {RESET}"
