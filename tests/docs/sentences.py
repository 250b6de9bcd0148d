"""How the text of a page or a docstring is divided into sentences, and which of these are too long.

A sentence ends at a full stop, a question mark or an exclamation mark, or with its paragraph, list item, heading or
table cell. A colon or a semicolon does not end it. Text in backticks counts as one word, and so does an address.
"""

from __future__ import annotations

import re

MAX_WORDS = 25
MIN_ITEMS = 3
MAX_WORDS_OF_ITEM = 6


def sentences(text: str) -> list[str]:
    """Return the sentences without code blocks, comments and the marks of lists, headings, tables and emphasis."""
    text = re.sub(r"(?ms)^ *```.*?^ *```|<!--.*?-->", "", text)
    text = re.sub(r"`[^`]*`", "code", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))
    text = re.sub(r"<?https?://[^\s<>)]*[\w/]>?", "address", text)
    text = re.sub(r"(?m)^ *\|.*$", lambda row: "\n\n" + re.sub(r"\||<br>", "\n\n", row[0]) + "\n\n", text)
    text = re.sub(r"(?m)^ *#+ (.*)$", r"\n\n\1\n\n", text)
    text = re.sub(r"(?m)^ *(?:[-*]|\d+\.) ", "\n\n", text).replace("*", "")
    paragraphs = (" ".join(each.split()) for each in re.split(r"\n\s*\n", text))
    ends = r"(?<=[.?!])\s+|(?<=[.?!][)\"”])\s+(?=[^a-z])"
    return [part for each in paragraphs for part in re.split(ends, each) if count_words(part)]


def count_words(text: str) -> int:
    return len(re.findall(r"[\w'’-]*\w[\w'’-]*", text))


def without_list(sentence: str) -> str:
    """Return the sentence up to the last colon where only a list follows, as names of code or figures.

    A list has three or more items with commas between them, each of at most 6 words.
    """
    before, _, after = sentence.rpartition(": ")
    items = after.split(", ")
    is_list = len(items) >= MIN_ITEMS and all(count_words(item) <= MAX_WORDS_OF_ITEM for item in items)
    return before if before and is_list else sentence


def long_sentences(text: str) -> list[str]:
    return [each for each in sentences(text) if count_words(without_list(each)) > MAX_WORDS]
