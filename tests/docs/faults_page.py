"""docs/faults.md, made from the vocabulary: each fault's words come from its model, its example from docs/faults.

`MOCKLLM_UPDATE_DOCS=1` with the test beside it writes the page anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mockllm.core.faults import FAMILIES, FAULTS, Fault
from mockllm.core.faults.fault_points import ChunkPoint, GapPoint
from mockllm.core.json.codec import dumps
from tests.docs.meaning_forms import forms
from tests.sdk.fault_outcomes import ALL, FINE, OUTCOMES, SDKS

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "faults.md"
EXAMPLES: Final = DOCS / "faults"

OPENING: Final = """\
# Faults

Deliberate errors in responses, by name, on a rule, a step, a branch or a modifier:

```yaml
faults: [no_response]                        # a name alone takes the defaults
faults: [{reset: {after: {chunks: 3}}}]      # its settings are below it
faults: [{stall: {for: 5s}}, no_terminator]  # all apply
```

Numbers, durations and fault points may be drawn (`[10%, 90%]`, `{normal: {mean, stddev}}` …) or templates
(`"{{ query.fail_chunk }}"`).

Faults apply in three groups, and within each group in the order of the list:

1. `refusal`, `empty_answer` and `no_finish` change the reply as the rule defines it.
2. All further faults of meaning and `error_event` change the reply as the protocol sends it.
3. All others change the bytes.

So `[length_stop, refusal]` cuts the refusal, as does `[refusal, length_stop]`.

A fault that finds nothing to break changes nothing, and the access log says why: `reset not applied: the response has
only 3 chunks`. Where that is certain beforehand, `mockllm check` warns of it. A fault before one that replaces the
response has no effect either: `[close, html_page]` serves the page, `[html_page, close]` cuts it.

This page describes HTTP/1.1. [HTTP/2](http2.md#what-faults-do) has streams in place of connections:
`close` resets one stream there.

Try any of them: `mockllm serve --scenarios docs/faults` applies each fault for the model with its name, and
`mockllm test docs/faults` runs the examples below.

The tables with columns for SDKs show what the caller of a Python SDK gets. The response is `one zwölf <three> four`
in four chunks. A fault has the settings of `tests/faults/expected.py`: a fault point in the middle, and short times.
The tables are tests, too: `tests/sdk/test_faults_sdk.py`.

<!-- Made by tests/docs/faults_page.py from the faults themselves and from docs/faults; do not edit. -->

"""
FAULT_POINTS: Final = """\
## Fault points

`at: {chunk: 3}` is a chunk itself, and exists in streams only. A *chunk* is one visible part of the response's
content, counted from 1. `after` is the gap after something, exactly one of these:

"""
AFTER_FAULT_POINTS: Final = """\

Fault points round down. A fault that adds events or comments adds them before an event that its place divides.
Where a protocol joins chunks, or sends one as an object, the fault point is after the chunks before. In a
non-streaming response `after: {chunks: 3}` is the byte of the body after the text of three chunks. `error` and
`http` responses have no chunks; `bytes`, `time` and `fraction` are fault points there. A fault point beyond the end
does not apply. All bytes before a cut are delivered: a reset waits until the client's system has them. Several
faults at one fault point act in their order: `[stall, reset]` stalls there, then resets.

"""


def page() -> str:
    """All of it."""
    contents = "".join(f"- {_family(family)[0]}: {_links(family)}\n" for family in FAMILIES)
    points = "".join(f"| `{name}` | {field.description} |\n" for name, field in GapPoint.model_fields.items())
    table = f"| fault point | meaning |\n|---|---|\n{points}"
    return (
        OPENING
        + contents
        + "\n"
        + FAULT_POINTS
        + table
        + AFTER_FAULT_POINTS
        + "\n".join(line for family in FAMILIES for line in _section(family))
    )


def _faults(family: ModuleType) -> list[tuple[str, type[Fault]]]:
    return [(name, kind) for name, kind in FAULTS.items() if kind.family == _name(family)]


def _links(family: ModuleType) -> str:
    return ", ".join(f"[`{name}`](#{name})" for name, _ in _faults(family))


def _family(family: ModuleType) -> tuple[str, str]:
    """Its title, and the first paragraph of what it says of itself."""
    name = _name(family)
    return name.upper() if name == "http" else name.capitalize(), _paragraphs(family)[0]


def _name(family: ModuleType) -> str:
    return family.__name__.rpartition(".")[2]


def _paragraphs(thing: Any) -> list[str]:
    return [" ".join(part.split()) for part in (thing.__doc__ or "").split("\n\n")]


def _section(family: ModuleType) -> Iterator[str]:
    title, words = _family(family)
    yield f"## {title}\n\n{words}\n"
    for name, kind in _faults(family):
        yield f"### {name}\n"
        for paragraph in _paragraphs(kind):
            yield f"{paragraph}\n"
        if kind.model_fields:
            yield "| setting | default | meaning |\n|---|---|---|"
            for field, info in kind.model_fields.items():
                yield f"| `{info.alias or field}` | {_default(kind, field, info)} | {_meaning(kind, field, info)} |"
            yield ""
        yield from _outcome(name)
        yield from forms(name)
        yield f"```yaml\n{(EXAMPLES / f'{name}.yaml').read_text(encoding='utf-8').rstrip()}\n```\n"


def _outcome(name: str) -> Iterator[str]:
    """What SDKs make of it."""
    if name not in OUTCOMES:
        return
    outcome = OUTCOMES[name]
    if outcome == FINE:
        yield f"{', '.join(SDKS[:-1])} and {SDKS[-1]} get all of it, and raise nothing.\n"
        return
    yield f"| | {' | '.join(SDKS)} |\n|---|---|---|---|"
    for form in ("streamed", "whole"):
        yield f"| {form} | {' | '.join(map(_got, getattr(outcome, form)))} |"
    yield ""


def _got(documented: str) -> str:
    text, _, raised = documented.partition("!")
    output = "all of it" if text == ALL else f"`{text.rstrip()}`" if text else ""
    if not raised:
        return output if text == ALL else f"{output or 'nothing'}, and no error"
    return f"{output}, then `{raised}`" if output else f"`{raised}`"


def _meaning(kind: type[Fault], field: str, info: FieldInfo) -> str:
    output = (info.description or "").replace("|", "\\|")
    named = [str(value) for value in _schema(kind, field, info).get("enum", ())]
    missing = [value for value in named if value not in output]
    return f"{output} One of {', '.join(f'`{value}`' for value in named)}." if missing else output


def _default(kind: type[Fault], field: str, info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, float) and _waits(kind, field, info):
        return f"`{value:g}s`" if value >= 1 or value == 0 else f"`{value * 1000:g}ms`"
    return f"`{_shown(value)}`"


def _shown(value: object) -> str:
    if isinstance(value, ChunkPoint):
        return f"{{chunk: {value.chunk}}}"
    if isinstance(value, BaseModel):
        values = {name: held for name, held in value if held is not None}
        return "{" + ", ".join(f"{name}: {_number(name, held)}" for name, held in values.items()) + "}"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else dumps(value).decode()


def _number(name: str, value: object) -> str:
    return f"{value:.0%}" if name == "fraction" and isinstance(value, float) else str(value)


def _waits(kind: type[Fault], field: str, info: FieldInfo) -> bool:
    return "A duration" in dumps(_schema(kind, field, info)).decode()


def _schema(kind: type[Fault], field: str, info: FieldInfo) -> Any:
    return kind.model_json_schema()["properties"][info.alias or field]
