"""A text into which parameters' values were put, and which of it is a template.

Apart from templates, because the value of a parameter is literal text: `{{` in it means nothing, in a place
where `{{` written by the file's author is a template. Substitution makes these; templates are compiled from
`template`, everything else takes the text as it is.
"""

from __future__ import annotations


class SubstitutedText(str):
    """The text as it reads after substitution. `template` is its source as a template, with the values'
    braces escaped, or None where the author wrote none: then the text is literal, whatever it holds."""

    __slots__ = ("template",)
    template: str | None

    def __new__(cls, text: str, template: str | None) -> SubstitutedText:
        filled = super().__new__(cls, text)
        filled.template = template
        return filled

    def __reduce__(self) -> tuple[type[SubstitutedText], tuple[str, str | None]]:
        return SubstitutedText, (str(self), self.template)
