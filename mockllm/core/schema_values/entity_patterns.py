"""The patterns and words by which values are found in a text. Every pattern is linear in the text."""

from __future__ import annotations

import re
from typing import Final

_MAX_QUOTED: Final = 300
"""The most characters of a quoted text."""
URL: Final = re.compile(r"https?://[^\s<>\"'`)\]]{1,300}")
EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
IPV4: Final = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
PATH: Final = re.compile(
    r"(?<![\w/.:-])(?:[~.]{0,2}/)?(?:[\w.-]{1,80}/){0,8}[\w-]{1,80}\.[A-Za-z]\w{0,5}\b|(?<![\w/.:-])/[\w./-]{1,200}"
)
PATH_SIGN: Final = re.compile(r"/|\.[A-Za-z]")
"""Each path has one."""
PHONE: Final = re.compile(r"(?<![\w+])\+?\d{1,3}(?:[ ()-]{1,2}\d{2,4}){2,4}(?!\w)")
CODE: Final = re.compile(r"(?<![\w-])#?(?=[\w-]{0,20}\d)[A-Za-z\d][\w-]{1,40}(?![\w-])")
NUMBER: Final = re.compile(
    r"[-\d](?:(?<![\w.,#-].)(?:(?<=-)\d{1,15}|(?<=\d)\d{0,14})(?:,\d{3})*(?:\.\d{1,12})?(?!\w)(?![.,]\d)"
    r"|(?<=\$\d)\d{0,14}(?:\.\d\d)?)"
)
"""A sign or a digit comes first, and what may not be in front of it second: so `re` skips all other characters."""
AFTER_JSON_VALUE: Final = frozenset((",", "}", "]", "\n", ""))
NUMBER_WORD: Final = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b", re.IGNORECASE
)
NUMBER_WORDS: Final = {
    word: number
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}
QUOTED: Final = re.compile(
    rf"\"([^\"\n]{{1,{_MAX_QUOTED}}})\"|`([^`\n]{{1,{_MAX_QUOTED}}})`|“([^”\n]{{1,{_MAX_QUOTED}}})”"
    rf"|«([^»\n]{{1,{_MAX_QUOTED}}})»|「([^」\n]{{1,{_MAX_QUOTED}}})」"
    rf"|(?<!\w)'([^'\n]{{1,{_MAX_QUOTED}}})'(?!\w)"
)
QUOTES: Final = "\"`'“«「"
"""Each quoted text begins with one."""
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
YEAR: Final = re.compile(r"\d(?<!\w\d)\d\d\d(?!\w)")
"""Each date has one. A digit comes first, so that `re` skips all other characters."""
DATE: Final = re.compile(
    rf"\b(\d{{4}})-(\d\d)-(\d\d)(?!\d)|\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)?\.? (?:of )?{_MONTH},? (\d{{4}})\b",
    re.IGNORECASE,
)
MOMENT: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?")
TIME_SIGN: Final = re.compile(r":\d\d")
"""Each time of day has one."""
TIME: Final = re.compile(r"(?<![\d:])(\d{1,2}):(\d\d)(?::\d\d)?(?: ?([ap])\.?m\b)?(?![\d:])", re.IGNORECASE)
NAME: Final = re.compile(
    r"(?<![\w'’])[A-Z][\w'’-]{0,40}(?: (?:(?:de|da|la|van|von|del|of|the) )?[A-Z][\w'’-]{0,40}){0,4}"
    r"(?:, [A-Z]\w{1,30})?"
)
LOWER_PLACE: Final = re.compile(r"\b(?:in|at|near|for|from|to) ([a-z]{3,30})\b(?![\w.+-]{0,64}@)")
SUBJECT: Final = re.compile(r"\babout (?:the |a |an )?([^.?!,;:\n\"]{2,80})")
EXPRESSION: Final = re.compile(
    r"(?<![\w.])[\d(][\d.() ]{0,20}+"
    r"(?:(?:[-+*/^%×÷]|plus|minus|times|divided by|multiplied by) ?[\d.() ]{1,20}+){1,16}+"
)
OPERATORS: Final = {
    "plus": "+",
    "minus": "-",
    "times": "*",
    "multiplied by": "*",
    "divided by": "/",
    "×": "*",
    "÷": "/",
}
OPERATOR: Final = re.compile("plus|minus|times|multiplied by|divided by|×|÷")
PAIR: Final = re.compile(
    r"([A-Za-z_](?<!\w[A-Za-z_])[\w-]{0,40}+(?: [A-Za-z]\w{0,20}+)?)[\"'`*]{0,2}+"
    r"(?: ?[:=] ?| is (?:called |named )?| named | called )"
    r"(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'|`([^`\n]{1,300})`|([^\s,;{}\[\]\"'`][^,;{}\[\]\n\"]{0,120}))"
)
AFTER_KEY: Final = (":", "=", "is", "named", "called", '"', "'", "`", "*")
"""The text that follows a key of a pair at once, without the spaces."""
WORD: Final = re.compile(r"[^\W\d_]{1,40}", re.UNICODE)
_COMMON_WORDS: Final = (
    "a about add after all also an and answer any are as ask assistant at be been before being book build but buy "
    "calculate call can change check compute convert could create delete describe do does each every explain "
    "extract fetch fill find first for format from generate get give go had has he hello help her here hers hey hi "
    "him his how i i'd i'll i'm if in is it its json just keep let let's list look make many may me multiply my "
    "name new next no not now of ok okay on only open or order our parse plan play please provide put question read "
    "record remove reply reserve respond return run save say schedule search send set she should show so some start "
    "stop subtract sum summarize tell thank thanks that the their them then there these they this those to today "
    "tomorrow tool translate try turn update use user using very was we what what's when where which who whose why "
    "will with work would write yes you your"
)
COMMON: Final = frozenset(_COMMON_WORDS.split())
"""Words that begin with a capital only at the start of a sentence."""
