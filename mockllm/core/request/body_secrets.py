"""The secrets in the body of a request: in JSON, in a URL-encoded form, in the fields of a multipart body.

JSON may be broken. Fields of forms are like the parameters of a query. A body beyond the bounds is one secret:
nothing of it is shown. Each step takes time in proportion to the bytes, which a client chooses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.key_forms import SHORTEST, URL, URL_CREDENTIALS, looks_random
from mockllm.core.named_secrets import named_secrets
from mockllm.core.redaction import MAX_SECRETS, secrets_of, written_forms
from mockllm.core.request.form_fields import END_OF_HEAD, MAX_HEAD, URLENCODED, part_delimiter
from mockllm.core.secret_masker import MAX_ESCAPES
from mockllm.core.secret_names import MAX_NAME, is_secret, secret_field
from mockllm.core.url_secrets import PARAMETER

BOM: Final = "\ufeff"
"""What some clients write before their texts in UTF-8 (byte order mark)."""
MAX_FORM_FIELDS: Final = 10_000
"""The fields of a form that are read."""
MAX_FORM_SECRETS: Final = 96
"""The texts that are masked for a form, each in about three encodings."""
MAX_WORK: Final = 256 << 20
"""The bytes of a form times its secrets: the search for more takes long."""
_FORM: Final = re.compile(rb"[^\s=&]++=\S*+")
"""A form without a media type."""
_NAME: Final = re.compile(rb'[;\s]name=(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
_FILE: Final = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+[\[{]")
"""The beginning of JSON that may have fields."""
MAX_JSON_FILE: Final = 1 << 20
"""The most bytes of a file of JSON in a form whose fields are read."""
_MEMBER: Final = re.compile(
    r'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)(?:\s*+:\s*+"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z))?', re.DOTALL
)
"""A text of JSON, or the name of a member with the text that is its value. It may be cut off."""
_PASSWORD: Final = re.compile(URL_CREDENTIALS)
_ENCODED_URL: Final = re.compile(rb"%3a(?:%2f|/){2}", re.IGNORECASE)
"""Before the user of a URL that is written as the parameter of another one."""
_MARKS: Final = {
    escape: mark for mark in ':;/?#@&="\\ \t\n\r' for escape in (f"%{ord(mark):02X}", f"%{ord(mark):02x}")
}
"""The characters that part the components of a URL, or end it, by their escapes."""
_AFTER_URL: Final = re.compile(r"[\"'<>`\\]")
"""What ends a URL in a text."""
_PUNCTUATION: Final = ".,:!)]}"
"""Characters that are no part of a URL at its end."""


def body_secrets(content_type: str, raw: bytes) -> tuple[str, ...]:
    """Return the secrets of a body as `secrets_of` returns them."""
    try:
        body = loads(raw)
    except JSONDecodeError:
        return _secrets_of_other_body(content_type, raw)
    secrets = secrets_of((), "", body)
    has_parameters = b"?" in raw and (URL.encode() in raw or b":\\/" in raw)
    if not has_parameters and _ENCODED_URL.search(raw) is None:
        return secrets
    found = islice((secret for text in _texts(body) for secret in _in_text(text)), MAX_SECRETS)
    return tuple(sorted({*secrets, *written_forms(found)}, key=len, reverse=True))


def _secrets_of_other_body(content_type: str, raw: bytes) -> tuple[str, ...]:
    """Return the secrets of a form or of broken JSON; all of a body beyond the bounds, nothing of any other body."""
    fields = _form_fields(content_type, raw)
    if fields is None:
        return (_text(raw),)
    found = {secret for field in fields for secret in _in_field(field)}
    if _JSON.match(raw) is not None:
        found.update(_in_value(_text(raw).lstrip()))
    if len(found) > MAX_FORM_SECRETS or len(raw) * 3 * len(found) > MAX_WORK:
        return (_text(raw),)
    return written_forms(found)


def _form_fields(content_type: str, raw: bytes) -> Iterable[_Field] | None:
    """Return the fields of a form; None for a form beyond the bounds, nothing for any other body."""
    delimiter = part_delimiter(content_type)
    if delimiter is not None:
        return _multipart_fields(raw, delimiter) if raw.count(delimiter) <= MAX_FORM_FIELDS else None
    if content_type.partition(";")[0].strip().lower() == URLENCODED or _FORM.fullmatch(raw) is not None:
        is_short = raw.count(b"&") < MAX_FORM_FIELDS and raw.count(b"%") <= MAX_ESCAPES
        return _urlencoded_fields(raw) if is_short else None
    return ()


class _Field(NamedTuple):
    """A field of a form. `written` is its value in the body, and `place` the name with that value there."""

    name: str
    value: str
    written: str
    place: Sequence[str]


def _urlencoded_fields(raw: bytes) -> Iterator[_Field]:
    for pair in _text(raw.strip()).split("&"):
        name, _, value = pair.partition("=")
        yield _Field(_decoded(name), _decoded(value), value, (pair,))


def _multipart_fields(raw: bytes, delimiter: bytes) -> Iterator[_Field]:
    """Yield the fields of a multipart body, and its short files of JSON. The contents of others are not copied."""
    end = raw.find(delimiter)
    while end >= 0:
        begin = end + len(delimiter)
        end = raw.find(delimiter, begin)
        head_end = raw.find(END_OF_HEAD, begin, begin + MAX_HEAD + len(END_OF_HEAD))
        last = len(raw) if end < 0 else end
        if not 0 <= head_end < last:
            continue
        is_file, content_at = _FILE.search(raw, begin, head_end) is not None, head_end + len(END_OF_HEAD)
        if is_file and (last - content_at > MAX_JSON_FILE or _JSON.match(raw, content_at, last) is None):
            continue
        name = _NAME.search(raw, begin, head_end)
        content = _text(raw[content_at:last].removesuffix(b"\r\n"))
        if name is None:
            yield _Field("", content, content, ())
        else:
            place = f"{_text(raw[name.start() : head_end + len(END_OF_HEAD)])}{content}"
            yield _Field(_text(name[1] or name[2] or b""), content, content, (place,))


def _in_field(field: _Field) -> Iterator[str]:
    """Yield the secrets of a field. A short one is masked in its place alone, since it would be found in words."""
    value = field.value.strip()
    if not _is_named(field.name):
        found = list(_in_value(value))
        yield from found
        if value in found:
            yield field.written.strip()
    elif len(value) >= SHORTEST:
        yield from (value, field.written.strip())
    elif value:
        for place in field.place:
            yield from (place, dumps(place.encode("utf-8", "replace").decode()).decode()[1:-1])


def _is_named(name: str) -> bool:
    """Return whether a field has the name of a secret; also as a member: `metadata[api_key]`."""
    name = name[-MAX_NAME:].strip().rstrip("]").replace("[", ".")
    return is_secret(name) or secret_field(name)


def _in_value(text: str) -> Iterator[str]:
    """Yield the secrets in a value that is JSON, and those of the URLs in it. JSON with a short secret is one whole:
    its parts would be found in words."""
    text = text.removeprefix(BOM).lstrip()
    if text[:1] in ("{", "["):
        try:
            value = loads(text)
        except JSONDecodeError:
            yield from _in_broken_json(text)
        else:
            yield from named_secrets(value)
            if _has_short_secret(value):
                yield text
    if URL in text:
        for found in _PASSWORD.finditer(text):
            yield found[1] if len(found[1]) >= SHORTEST else found[0]
        yield from _in_urls(text)


def _in_broken_json(text: str) -> Iterator[str]:
    """Yield the secrets of JSON that is cut off, is no JSON at some place, or has several values, as JSON Lines do. A
    short one is masked with its name."""
    for member in _MEMBER.finditer(text):
        name, written = ("", member[1]) if member[2] is None else (_unescaped(member[1]), member[2])
        value = _unescaped(written)
        if value is not written and URL in value:
            yield from _in_urls(value)
        if len(value) >= SHORTEST:
            yield from named_secrets({name: value})
            if value is not written and value[:1] in ("{", "["):
                yield from _in_broken_json(value)
        elif value and secret_field(name):
            yield member[0]


def _unescaped(written: str) -> str:
    """Return a text of JSON from its characters there, or these where they have a wrong escape."""
    if "\\" in written:
        with suppress(JSONDecodeError):
            return str(loads(f'"{written}"'))
    return written


def _in_text(text: str) -> Iterator[str]:
    """Yield the secrets of the URLs in a text of a JSON body; of encoded ones also the password. One without escapes
    is known by its form."""
    yield from _in_urls(text)
    if "%" in text and _ENCODED_URL.search(text.encode("utf-8", "surrogatepass")) is not None:
        readable = _with_marks(text)
        for found in _PASSWORD.finditer(readable):
            password = _decoded(found[1])
            yield password if len(password) >= SHORTEST else _decoded(found[0])
        yield from _in_urls(readable, _decoded)


def _in_urls(text: str, decode: Callable[[str], str] = str) -> Iterator[str]:
    """Yield the values of query parameters with the name of a secret. One that does not look random may be a word:
    it is masked with its name. `decode` decodes what remains of an encoded URL."""
    if URL not in text or "?" not in text:
        return
    for word in text.split():
        for mark, name, value in PARAMETER.findall(word) if URL in word else ():
            name, value = decode(name), _AFTER_URL.split(decode(value), maxsplit=1)[0].rstrip(_PUNCTUATION)
            if value and is_secret(_decoded(name).strip()):
                yield from (value, _decoded(value)) if looks_random(value) else (f"{mark}{name}={value}",)


def _has_short_secret(value: Json) -> bool:
    """Return whether a field of JSON certainly is a secret that is too short to be masked elsewhere."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            for name, inner in value.items():
                if type(inner) is not str:
                    waiting.append(inner)
                elif inner and not looks_random(inner) and secret_field(name):
                    return True
        elif type(value) is list:
            waiting += value
    return False


def _texts(value: Json) -> Iterable[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is str:
            yield value
        elif type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value


def _with_marks(text: str) -> str:
    """Return a text whose encoded URLs have their marks, and are else as encoded as before. To decode each escape of
    a long text takes ten times as long."""
    text = text.replace("+", " ")
    for escape, mark in _MARKS.items():
        text = text.replace(escape, mark)
    return text


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
