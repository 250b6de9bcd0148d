"""The length of sentences in the docstrings of the package, those of constants and fields too, and in help texts.

Sentences end as in pages, but a list at the end of a sentence counts. Tables and indented blocks have no sentences.
A sentence that begins with "Source:" or "Sources:" is a list of names and addresses, and has no limit.
"""

from __future__ import annotations

import ast
import inspect
import re
from itertools import chain

from tests.docs.sentences import MAX_WORDS, count_words, sentences
from tests.docs.test_retired_words import PACKAGE, docstrings, help_texts


def docstring_sentences(docstring: str) -> list[str]:
    return sentences(re.sub(r"(?m)^(?:\|| {4}).*$", "", inspect.cleandoc(docstring)))


def long_sentences(docstring: str) -> list[str]:
    return [
        each
        for each in docstring_sentences(docstring)
        if count_words(each) > MAX_WORDS and not re.match(r"Sources?:", each)
    ]


def test_tables_and_indented_blocks_are_no_sentences() -> None:
    text = (
        "One: two.\n\n    Four `a. b`? Five\n    - six\n    - seven\n\n        eight. nine.\n    | ten. |\n"
    )
    assert docstring_sentences(text) == ["One: two.", "Four code?", "Five", "six", "seven"]


def test_list_at_the_end_of_a_sentence_counts() -> None:
    assert long_sentences("Word " * 13 + ": " + "word, " * 13) != []
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
