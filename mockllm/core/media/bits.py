"""Bits, most significant first, as image and video formats write them."""

from __future__ import annotations


class BitWriter:
    """Collects bits."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """The bits as the characters 0 and 1."""
        return "".join(self._parts)

    def put(self, bits: str, times: int = 1) -> None:
        """Append bits that are written as text."""
        self._parts.append(bits * times)

    def number(self, value: int, width: int) -> None:
        """Append a number of a fixed width."""
        self._parts.append(f"{value:0{width}b}")

    def exp_golomb(self, value: int) -> None:
        """Append an unsigned Exp-Golomb code (ITU-T H.264, section 9.1)."""
        code = f"{value + 1:b}"
        self._parts.append("0" * (len(code) - 1) + code)

    def to_bytes(self, fill: str = "0") -> bytes:
        """Return the bits; `fill` completes the last byte."""
        text = self.text
        text += fill * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big") if text else b""
