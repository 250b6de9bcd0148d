"""Results for short texts are cached, and for long ones not."""

from __future__ import annotations

from mockllm.core.text_cache import text_cache


def test_text_cache_holds_results_for_short_texts_only() -> None:
    calls: list[str] = []

    @text_cache(2, max_length=3)
    def shout(text: str, *, twice: bool = False) -> str:
        """Return the text in capitals."""
        calls.append(text)
        return text.upper() * (1 + twice)

    assert [shout("abc"), shout("abc"), shout("abcd"), shout("abcd")] == ["ABC", "ABC", "ABCD", "ABCD"]
    assert calls == ["abc", "abcd", "abcd"]
    assert shout("abc", twice=True) == "ABCABC"
    assert shout("x") + shout("y") + shout("abc") == "XYABC"
    assert calls == ["abc", "abcd", "abcd", "abc", "x", "y", "abc"]
    assert shout.__doc__ == "Return the text in capitals."
