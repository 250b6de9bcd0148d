"""Patterns and texts for comparisons with Python's engine."""

from __future__ import annotations

from hypothesis import strategies as st

ATOMS = (
    *"abkisKx_1 ", "é", "İ", "ß", "٣", r"\n", ".", r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", "[a-z]", "[^a-z]",
    "[éa]", r"[^\w]", r"[\s\d]", r"[\W1]", "[^k]", r"\b", "^", "$", r"\A", r"\Z",
)  # fmt: skip
TEXTS = st.text(alphabet="aabbxXké1_ \n٣İıiKſsSß!-中²①\x1c", max_size=8)
PATTERNS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("(?i:{})".format, inner),
        st.builds(
            "(?:{}){}".format, inner, st.sampled_from(("*", "+", "?", "{2}", "{1,3}", "*?", "+?", "??"))
        ),
    ),
    max_leaves=6,
)
