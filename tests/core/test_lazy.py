"""An attribute that is computed when it is first read."""

from __future__ import annotations

from mockllm.core.lazy import lazy


class Counted:
    requested = 0

    @lazy
    def value(self) -> int:
        """What it is."""
        self.requested += 1
        return 7


def test_lazy_is_computed_once() -> None:
    one = Counted()
    assert "value" not in vars(one)
    assert (one.value, one.value, one.requested) == (7, 7, 1)
    assert vars(one)["value"] == 7


def test_lazy_value_belongs_to_instance() -> None:
    one, two = Counted(), Counted()
    assert one.value == two.value
    assert two.requested == 1
    assert isinstance(Counted.value, lazy)
    assert Counted.value.__doc__ == "What it is."


def test_lazy_value_can_be_set() -> None:
    one = Counted()
    vars(one)["value"] = 8
    assert (one.value, one.requested) == (8, 0)
