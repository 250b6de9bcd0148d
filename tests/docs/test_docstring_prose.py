"""The length of sentences in the docstrings of the package, those of constants and fields too, and in help texts.

A sentence ends at a full stop, a question mark or an exclamation mark; a colon or a semicolon does not end it. Text
in backticks counts as one word. Tables, indented blocks and code blocks have no sentences. A sentence that begins
with "Source:" or "Sources:" is a list of names and addresses, and has no limit.
"""

from __future__ import annotations

import ast
import inspect
import re
from itertools import chain

from tests.docs.test_prose import MAX_WORDS
from tests.docs.test_retired_words import PACKAGE, docstrings, help_texts


def sentences(docstring: str) -> list[str]:
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", inspect.cleandoc(docstring))
    text = re.sub(r"(?m)^(?:\|| {4}).*$", "", text)
    text = re.sub(r"`[^`]*`", "code", text)
    paragraphs = re.split(r"\n\s*\n|\n(?= *(?:[-*]|\d+\.) )", text)
    return [part for each in paragraphs for part in re.split(r"(?<=[.?!])\s+(?=\S)", each.strip()) if part]


def long_sentences(docstring: str) -> list[str]:
    return [
        " ".join(each.split())
        for each in sentences(docstring)
        if len(re.findall(r"[\w'’-]+", each)) > MAX_WORDS and not re.match(r"Sources?:", each)
    ]


def test_sentence_of_docstring_ends_only_at_stops() -> None:
    text = "One: two; three.\n\n    Four `a. b`? Five\n    - six\n    - seven\n\n        eight. nine.\n    | ten. |\n"
    assert sentences(text) == ["One: two; three.", "Four code?", "Five", "- six", "- seven"]


def test_long_sentence_has_more_than_25_words() -> None:
    assert long_sentences("word " * 26) == [("word " * 26).strip()]
    assert long_sentences("word " * 25) == []
    assert long_sentences("word " * 13 + ": " + "word; " * 13) != []
    assert long_sentences("`many words` " * 25) == []
    assert long_sentences("Sources: " + "name, " * 30 + ". Short.") == []


def test_docstrings_and_help_have_no_long_sentences() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    found = {
        str(path.relative_to(PACKAGE)): long
        for path, tree in trees.items()
        for text in chain(docstrings(tree), help_texts(tree))
        if (long := long_sentences(text))
    }
    assert found == {}, f"divide the sentences of more than {MAX_WORDS} words"
