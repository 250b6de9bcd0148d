"""The patterns and words by which values are found in a text. Every pattern is linear in the text.

Patterns begin with the characters that a value may begin with, and look behind these where it matters what is in
front. So `re` skips all other characters quickly. A pattern that begins with a look-behind is tried at each
character.
"""

from __future__ import annotations

import re
from typing import Final

_MAX_QUOTED: Final = 300
"""The most characters of a quoted text."""
URL: Final = re.compile(r"https?://[^\s<>\"'`)\]]{1,300}")
EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
UUID_SIGN: Final = re.compile("-[0-9a-fA-F]{4}-")
"""Each UUID has one."""
UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
IPV4_SIGN: Final = re.compile(r"\.\d{1,3}\.\d")
"""Each IPv4 address has one."""
IPV4: Final = re.compile(r"\d(?<![\d.]\d)\d{0,2}(?:\.\d{1,3}){3}(?![\d.])")
PATH: Final = re.compile(
    r"(?<![\w/.:-])(?:(?:[~.]{0,2}/)?(?:[\w.-]{1,80}+/){0,8}[\w-]{1,80}+\.[A-Za-z]\w{0,5}\b|/[\w./-]{1,200})"
)
PATH_SIGN: Final = re.compile(r"/|\.[A-Za-z]")
"""Each path has one."""
PHONE: Final = re.compile(r"(?<![\w+])\+?\d{1,3}(?:[ ()-]{1,2}\d{2,4}){2,4}(?!\w)")
CODE: Final = re.compile(r"(?<![\w-])#?(?=[\w-]{0,20}\d)[A-Za-z\d][\w-]{1,40}(?![\w-])")
NUMBER: Final = re.compile(
    r"[-\d](?:(?<![\w.,#-].)(?:(?<=-)\d{1,15}|(?<=\d)\d{0,14})(?:,\d{3})*(?:\.\d{1,12})?(?!\w)(?![.,]\d)"
    r"|(?<=\$\d)\d{0,14}(?:\.\d\d)?)"
)
AFTER_JSON_VALUE: Final = frozenset((",", "}", "]", "\n", ""))
NUMBER_WORD: Final = re.compile(
    r"\b(?a:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b", re.IGNORECASE
)
"""In ASCII, as the names of months: else `s` is also the long s, and `i` also the one without a dot."""
NUMBER_WORDS: Final = {
    word: number
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}
QUOTED: Final = re.compile(
    rf"\"([^\"\n]{{1,{_MAX_QUOTED}}})\"|`([^`\n]{{1,{_MAX_QUOTED}}})`|“([^”\n]{{1,{_MAX_QUOTED}}})”"
    rf"|«([^»\n]{{1,{_MAX_QUOTED}}})»|「([^」\n]{{1,{_MAX_QUOTED}}})」"
    rf"|'(?<!\w')([^'\n]{{1,{_MAX_QUOTED}}})'(?!\w)"
)
QUOTES: Final = "\"`'“«「"
"""Each quoted text begins with one."""
MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_MONTH: Final = rf"((?a:{'|'.join(MONTHS)}))[a-z]{{0,6}}\.?"
YEAR: Final = re.compile(r"[129]\d\d\d(?<!\w\d{4})(?!\w)")
"""Each date has one. `9999-12-31` is the usual date without an end."""
DATE_AFTER_YEAR: Final = re.compile(r"-(\d\d)-(\d\d)(?!\d)")
DATE_BEFORE_YEAR: Final = re.compile(
    rf"\b(?:{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?|(\d{{1,2}})(?:st|nd|rd|th)?\.? (?:of )?{_MONTH}),? \Z",
    re.IGNORECASE,
)
MAX_BEFORE_YEAR: Final = 24
"""The most characters of a date before its year: `21st. of september., `."""
MOMENT_SIGN: Final = re.compile(r"-\d\d-\d\d[T ]\d\d:\d\d")
"""Each moment has one, after its year."""
MOMENT: Final = re.compile(
    r"\d(?<!\w\d)\d{3}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?"
)
TIME_SIGN: Final = re.compile(r":\d\d")
"""Each time of day has one."""
TIME: Final = re.compile(r"(\d(?<![\d:]\d)\d?):(\d\d)(?::\d\d)?(?: ?([ap])\.?m\b)?(?![\d:])", re.IGNORECASE)
NAME: Final = re.compile(
    r"[A-Z](?<![\w'’][A-Z])[\w'’-]{0,40}(?: (?:(?:de|da|la|van|von|del|of|the) )?[A-Z][\w'’-]{0,40}){0,4}"
    r"(?:, [A-Z]\w{1,30})?"
)
LOWER_PLACE: Final = re.compile(
    r"[afint](?<!\w[afint])(?:(?<=i)n|(?<=a)t|(?<=n)ear|(?<=f)(?:or|rom)|(?<=t)o)"
    r" ([a-z]{3,30})\b(?![\w.+-]{0,64}@)"
)
"""A word after `in`, `at`, `near`, `for`, `from` or `to`."""
SUBJECT: Final = re.compile(r"about (?<!\wabout )(?:the |a |an )?([^.?!,;:\n\"]{2,80})")
EXPRESSION: Final = re.compile(
    r"[\d(](?<![\w.][\d(])[\d.() ]{0,20}+"
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
PAIR_SIGNS: Final = (":", "=", " is ", " named ", " called ")
"""Each pair has one."""
PHRASE_END: Final = re.compile(r"\.(?<!\d\.)(?=\s|$)|[?!](?=\s|$)| (?:and|but|with|in|at) ")
"""The end of a value without quotes: that of its sentence, or the next clause."""
KEY_SEPARATORS: Final = re.compile(r"[\s_-]+")
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
