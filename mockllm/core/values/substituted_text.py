"""Texts with substituted parameters, which record the part that is a template.

The value of a parameter is literal text: `{{` in it is not a template, while `{{` of the file's author is one.
Substitution creates these texts. Templates are compiled from `template`; other code uses the text itself.
"""

from __future__ import annotations


class SubstitutedText(str):
    """A text after substitution. `template` is its source as a template, with the values' braces escaped.

    It is None where the author wrote no template: then the text is literal.
    """

    __slots__ = ("template",)
    template: str | None

    def __new__(cls, text: str, template: str | None) -> SubstitutedText:
        substituted = super().__new__(cls, text)
        substituted.template = template
        return substituted

    def __reduce__(self) -> tuple[type[SubstitutedText], tuple[str, str | None]]:
        return SubstitutedText, (str(self), self.template)
