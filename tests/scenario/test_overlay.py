"""Overlays are written as YAML, read again and put above the files."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.overlay import (
    GLOBAL_LAYER,
    SESSION_LAYER,
    OverlaidEntries,
    Overlay,
    merge_entries,
    missing_targets,
    overlay_entries,
    to_yaml,
)
from mockllm.scenario.typed_entries import TypedEntry
from mockllm.scenario.yaml_reader import read_source

AWKWARD: dict[str, Any] = {
    "texts that look like something else": [
        "yes",
        "1_000",
        "2026-01-01",
        "null",
        "1.0",
        "~",
        "",
        " a ",
        "0x1f",
    ],
    "what is no text": [True, None, 1, 1.5, {"a": []}],
    "lines and signs": ["a\nb\n", "key: value", "- a", "# no comment", "{{ user }}", "“quoted”", "tab\tbed"],
    "line ends of Unicode": ["a\u2028b", "\u2029", "a\x85b\n", "é😀\u2028\U0010ffff"],
    "what YAML refuses": ["\x00\x7f\x9f", "\ufffe\uffff", "\ufeff"],
}


@pytest.mark.parametrize("data", AWKWARD.values(), ids=AWKWARD)
def test_to_yaml_is_read_as_same_data(data: Any) -> None:
    assert read_source(to_yaml({"rules": data}), "x").data == {"rules": data}


@pytest.mark.parametrize("data", AWKWARD.values(), ids=AWKWARD)
def test_to_yaml_in_flow_style_is_read_as_same_data(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.scenario.overlay._block_yaml", lambda *_: "{")
    assert read_source(to_yaml({"rules": data}), "x").data == {"rules": data}


def test_to_yaml_escapes_only_where_it_must() -> None:
    assert to_yaml(["é😀"]) == "- é😀\n"


def test_to_yaml_writes_no_aliases() -> None:
    match = {"model": "m"}
    text = to_yaml({"rules": [{"match": match, "reply": "A"}, {"match": match, "reply": "B"}]})
    assert "&" not in text
    assert text.count("model: m") == 2


def read_overlay(overlay: Overlay) -> OverlaidEntries:
    return overlay_entries(read_source(overlay.text, overlay.name), overlay.session, KnownNames())


def entries(*names: str) -> list[TypedEntry]:
    result = read_overlay(Overlay(tuple({"name": name, "reply": name} for name in names)))
    return [*result.entries]


def test_overlay_entries_have_positions_of_text() -> None:
    result = read_overlay(Overlay(({"name": "a", "reply": "x"}, {"name": "b", "reply": "y"})))
    assert [(each.id, each.file_and_line, each.layer) for each in result.entries] == [
        ("overlay:a", "overlay.yaml:3", GLOBAL_LAYER),
        ("overlay:b", "overlay.yaml:5", GLOBAL_LAYER),
    ]


def test_overlay_of_session_matches_its_session_only() -> None:
    (entry,) = read_overlay(
        Overlay(({"name": "a", "match": {"user": "x"}, "reply": "x"},), session="s")
    ).entries
    assert (entry.id, entry.file_and_line, entry.layer) == ("session:a", "session-s.yaml:3", SESSION_LAYER)
    catalog = run_steps(compile_catalog([entry]))
    assert "session" in repr(catalog.items[0].matcher)


BAD: dict[str, tuple[Overlay, str]] = {
    "an unknown word": (Overlay(({"reply": "x", "mtach": {}},)), "mtach"),
    "a file": (
        Overlay(({"reply": {"text": {"file": "a.md"}}},)),
        'refers to no files: write the content of "a.md"',
    ),
    "a session that replaces": (Overlay(({"reply": "x", "replaces": "a:b"},), session="s"), "replaces"),
    "a session that disables entries": (
        Overlay(({"reply": "x", "replaces": "a:b", "enabled": False},), session="s"),
        "disables entries",
    ),
}


@pytest.mark.parametrize(("overlay", "message"), BAD.values(), ids=BAD)
def test_overlay_with_error_has_diagnostic(overlay: Overlay, message: str) -> None:
    assert any(message in str(each) for each in read_overlay(overlay).diagnostics)


@pytest.mark.parametrize("session", [None, "s"])
def test_overlay_with_other_keys_is_refused(session: str | None) -> None:
    for key, value in (("use", "[]"), ("finding", "x"), ("mcp", "[{name: a}]"), ("examples", "[]")):
        source = read_source(f"{key}: {value}\nrules: [{{reply: x}}]", "o")
        result = overlay_entries(source, session, KnownNames())
        assert [(each.path, each.message) for each in result.diagnostics] == [
            (key, f"an overlay has no {key}, only rules and modifiers")
        ]


def test_merge_entries_orders_overlays_before_files() -> None:
    base = [
        entry.__class__(**{**_fields(entry), "id": "f.yaml:x", "layer": 0, "rank": (0, 0, 0, 0, 0)})
        for entry in entries("x")
    ]
    session = read_overlay(Overlay(({"name": "s", "reply": "s"},), session="s"))
    order = merge_entries(base, [read_overlay(Overlay(({"name": "l", "reply": "l"},))), session])
    assert [entry.id for entry in order] == ["overlay:l", "session:s", "f.yaml:x"]


def _fields(entry: TypedEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


def test_merge_entries_replacement_has_place_and_layer() -> None:
    base = [
        entry.__class__(
            **{**_fields(entry), "id": f"p/f.yaml:{name}", "layer": 1, "rank": (1, 1, 0, 0, place)}
        )
        for place, (name, entry) in enumerate(zip("xy", entries("x", "y"), strict=True))
    ]
    over = read_overlay(Overlay(({"name": "n", "reply": "n", "replaces": "p:x"},)))
    assert not missing_targets(over, base)
    order = merge_entries(base, [over])
    assert [(entry.id, entry.layer) for entry in order] == [("overlay:n", 1), ("p/f.yaml:y", 1)]
    off = read_overlay(Overlay(({"name": "n", "reply": "n", "replaces": "p:y", "enabled": False},)))
    assert [entry.id for entry in merge_entries(base, [off])] == ["p/f.yaml:x"]


def test_missing_targets_reports_unknown_ids() -> None:
    for enabled in (True, False):
        over = read_overlay(Overlay(({"name": "n", "reply": "n", "replaces": "p:x", "enabled": enabled},)))
        (diagnostic,) = missing_targets(over, [])
        assert diagnostic.path == "rules[0].replaces"
        assert len(merge_entries([], [over])) == int(enabled)
