"""The body of a request: its JSON, its form, and the parts of it that came before.

Separate from `request.py`, which has what a conversation contains, whatever the form of its body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, TypeVar

from propcache.api import cached_property

from mockllm.core.json.codec import (
    MISSING,
    Json,
    JSONDecodeError,
    Missing,
    loads_and_depth_bound,
    opening_brackets,
)
from mockllm.core.request import divided_bodies
from mockllm.core.request.divided_bodies import BODIES, DividedBody
from mockllm.core.request.form_fields import FormFile, read_files, read_form
from mockllm.core.request.typed_memo import MemoKey

T = TypeVar("T")

VOLATILE: Final = frozenset(
    {"user", "metadata", "safety_identifier", "prompt_cache_key", "previous_response_id", "seed"}
)
"""Top-level fields of the body that identify the client or the run, and usually are not part of the request's
hash."""


class BodyFields:
    """The values of a request that its body has, whatever its protocol."""

    dialect: ClassVar[str | None] = None
    """The protocol's name, which its calls share (`Dialect.name`): `openai`, `anthropic` … None outside every
    protocol."""
    documented_fields: ClassVar[frozenset[str] | None] = None
    """The top-level fields of the body that the provider documents; None where unknown fields are not reported,
    because they are refused or ignored."""
    documents_vendor_fields: ClassVar[bool] = False
    """Whether these are the fields of a vendor's own call, so that its unknown fields are reported, too."""
    turns_field: ClassVar[str | None] = None
    """The top-level field with the list of turns, which clients send again with each request of a conversation."""
    shared_attributes: ClassVar[tuple[str, ...]] = ()
    """The cached properties that follow from the class and the body without its turns alone. Neither the head nor a
    lookup changes them. Requests with equal remaining members share their values."""
    has_uploaded_file: ClassVar[bool] = False
    """Whether the body holds a file: the journal stores it without the contents of files."""
    volatile: frozenset[str] = VOLATILE
    """The top-level fields of the body that are not part of the hash."""

    raw: bytes
    headers: Mapping[str, str]
    provider: str | None

    @cached_property
    def raw_text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    def parse_body(self) -> None:
        """Parse the body: set `body`, `fields`, `depth_bound` and the parts of a divided body. The first read
        of one of these calls it; a caller that needs them anyway may call it before."""
        raw, divided = self.raw, None
        if len(raw) >= divided_bodies.MIN_DIVIDED_BYTES and self.turns_field is not None:
            value, divided = BODIES.read(raw, self.turns_field)
            depth_bound = opening_brackets(raw) if divided is None else divided.depth
        else:
            try:
                value, depth_bound = loads_and_depth_bound(raw)
            except JSONDecodeError:
                value, depth_bound = MISSING, opening_brackets(raw)
        attributes = self.__dict__
        attributes["body"], attributes["_parts"] = value, divided
        attributes["fields"] = value if type(value) is dict else {}
        attributes["depth_bound"] = depth_bound
        if divided is not None and self.shared_attributes:
            self.share_attributes(divided)

    def share_attributes(self, divided: DividedBody) -> None:
        """Set the values of `shared_attributes`. The second request with equal remaining members computes and stores
        them, and later ones take these. The remaining members of many clients never come again."""
        of_members = divided.remaining_members.shared_attributes
        shared = of_members.get(type(self))
        if shared:
            vars(self).update(shared)
        else:
            names = () if shared is None else self.shared_attributes
            of_members[type(self)] = {name: getattr(self, name) for name in names}

    @cached_property
    def depth_bound(self) -> int:
        """At least the body's depth in objects and lists. Above `MAX_DEPTH` of `core/json/codec.py`, it says only
        that the depth may be greater than that."""
        self.parse_body()
        depth_bound: int = vars(self)["depth_bound"]
        return depth_bound

    @cached_property
    def body(self) -> Json | Missing:
        """The body's JSON; MISSING where there is none or it is invalid."""
        self.parse_body()
        return vars(self)["body"]

    @cached_property
    def fields(self) -> dict[str, Json]:
        """The body where it is an object, else an empty object. Requests of a conversation share parts of it."""
        self.parse_body()
        fields: dict[str, Json] = vars(self)["fields"]
        return fields

    @cached_property
    def _parts(self) -> DividedBody | None:
        """The parts in which the body was parsed."""
        self.parse_body()
        divided: DividedBody | None = vars(self)["_parts"]
        return divided

    @property
    def divided_body(self) -> DividedBody | None:
        """The parts of a divided body: one with turns that is long enough (`MIN_DIVIDED_BYTES`). Also where it comes
        for the first time. Values of parts that came before are not computed again. None for any other body,
        and where a dialect has replaced `fields`: the parts belong to the original ones."""
        divided = self._parts
        return divided if divided is not None and self.fields is divided.fields else None

    def occurrences(self, part: bytes) -> int:
        """Return how often the body has some bytes, which are within one JSON string or are a whole one. Only what
        came first with this body is searched: a search in 100 KB takes 30 µs."""
        divided = self.divided_body
        return self.raw.count(part) if divided is None else divided.occurrences(part)

    @property
    def hashed_body(self) -> Json:
        """The body without the fields that are not part of the hash."""
        body, volatile = self.body, self.volatile
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if name not in volatile}

    @cached_property
    def undocumented_fields(self) -> list[str]:
        """The fields that the provider does not document, in order. Of a vendor that extends a protocol, only those
        of calls with `documents_vendor_fields`."""
        documented, fields = self.documented_fields, self.fields
        if documented is None or fields.keys() <= documented:
            return []
        if self.provider != self.dialect and not self.documents_vendor_fields:
            return []
        return [name for name in fields if name not in documented]

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a form; of a file its name."""
        return read_form(self.headers.get("content-type", ""), self.raw)

    @cached_property
    def form_files(self) -> tuple[FormFile, ...]:
        """The files of a form."""
        return read_files(self.headers.get("content-type", ""), self.raw)

    def cached_by_remaining_members(self, key: MemoKey[T], compute: Callable[[], T]) -> T:
        """Return what follows from the body without its turns. Divided bodies with equal remaining members share the
        result, also where their classes and providers differ: `compute` reads nothing but the remaining members."""
        divided = self.divided_body
        return compute() if divided is None else divided.cached_by_remaining_members(key, compute)
