"""The changes of a run, merged by protocol, and the rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.drift.change import SEVERITIES, Change, FormDifference, Severity, severity
from mockllm.drift.compared_exchange import ComparedExchange
from mockllm.drift.sdk_types import Knowledge, knowledge

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("new", ("new field",)),
    ("gone", ("gone field",)),
    ("type", ("type",)),
    ("events", ("new event", "gone event", "order")),
    ("headers", ("new header", "gone header")),
    ("errors", ("refused", "accepted", "unreadable")),
)
"""The columns of the table, with the kinds of changes that each counts."""


class ProtocolRow(Struct):
    """One row of the table."""

    protocol: str
    provider: str
    api: str
    streamed: bool
    exchanges: int = 0
    total: float = 0.0
    changes: list[Change] = field(default_factory=list)
    selectors: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def similarity(self) -> float:
        """The mean share of fields, with their types, that both sides have (F1)."""
        return self.total / self.exchanges


class DriftReport:
    """All changes of a run. `ignored` says which places do not count."""

    def __init__(self, ignored: Callable[[str, str], bool] = lambda protocol, place: False) -> None:
        self._ignored = ignored
        self.rows: dict[str, ProtocolRow] = {}
        self.statuses: dict[tuple[str, int], int] = {}
        self.notes: list[str] = []
        self._changes: dict[tuple[object, ...], Change] = {}

    @property
    def changes(self) -> list[Change]:
        """The changes, the most severe first."""
        ranks = {name: -rank for rank, name in enumerate(SEVERITIES)}
        return sorted(
            self._changes.values(),
            key=lambda each: (ranks[each.severity], each.protocol, each.kind, each.place),
        )

    def add(self, compared: ComparedExchange) -> None:
        """Count an exchange."""
        row = self.rows.setdefault(
            compared.protocol,
            ProtocolRow(compared.protocol, compared.provider, compared.dialect.api, compared.streamed),
        )
        row.exchanges += 1
        row.total += compared.f1
        for kind, words in compared.selectors.items():
            row.selectors[kind] = row.selectors.get(kind, frozenset()) | words
        key = (compared.protocol, compared.status)
        self.statuses[key] = self.statuses.get(key, 0) + 1
        counted: set[int] = set()
        for difference in compared.differences:
            change = self._change(row, compared, difference)
            if change is not None and id(change) not in counted:
                counted.add(id(change))
                change.count += 1

    def _change(
        self, row: ProtocolRow, compared: ComparedExchange, difference: FormDifference
    ) -> Change | None:
        """Return the change of which this is one more occurrence; None if it does not count."""
        if self._ignored(row.protocol, difference.place):
            return None
        types = (difference.ours, difference.live) if difference.kind == "type" else ()
        key = (row.protocol, difference.kind, difference.place, types)
        change = self._changes.get(key)
        known = known_of(compared, difference)
        level = severity(difference, known)
        if change is None:
            details = (difference.ours, difference.live, level, known.by)
            change = Change(row.protocol, difference.kind, difference.place, *details, set(), set())
            self._changes[key] = change
            row.changes.append(change)
        elif SEVERITIES.index(level) > SEVERITIES.index(change.severity):
            change.severity, change.sdk = level, known.by
        change.ours, change.live = change.ours | difference.ours, change.live | difference.live
        change.events.add(difference.event)
        change.inside.update(difference.inside)
        return change

    def failed(self, level: Severity | None) -> bool:
        """Return whether a change is at least as severe as this."""
        if level is None:
            return False
        return any(SEVERITIES.index(each.severity) >= SEVERITIES.index(level) for each in self.changes)

    def as_json(self) -> Mapping[str, Json]:
        """Return the JSON form: names and numbers, no texts."""
        return {
            "protocols": [
                {
                    "protocol": row.protocol,
                    "exchanges": row.exchanges,
                    "similarity": round(row.similarity, 4),
                    **counts(row.changes),
                }
                for row in self.rows.values()
            ],
            "changes": [
                {
                    "protocol": each.protocol,
                    "severity": each.severity,
                    "change": each.kind,
                    "place": each.place,
                    "detail": each.detail,
                    "sdk": each.sdk,
                    "exchanges": each.count,
                }
                for each in self.changes
            ],
            "notes": list(self.notes),
        }


def counts(changes: Sequence[Change]) -> dict[str, int]:
    """Return the number of changes in each column of the table."""
    return {name: sum(each.kind in kinds for each in changes) for name, kinds in COLUMNS}


def known_of(compared: ComparedExchange, difference: FormDifference) -> Knowledge:
    """Return what the SDK's types say of the place of a difference."""
    kinds: Iterable[str] = ("new field", "gone field", "type")
    if difference.kind in kinds and compared.status != 200:
        return Knowledge("no types", by="the body of an error has no types")
    if difference.kind in kinds:
        return knowledge(
            compared.dialect, streamed=compared.streamed, path=difference.place, event=difference.event
        )
    if difference.kind == "new event" and compared.streamed:
        return knowledge(compared.dialect, streamed=True, path="", event=difference.event)
    return Knowledge("no types")
