"""The user's own prices: `serve --prices FILE`, a YAML mapping of models to prices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mockllm.cli.option import BadOption
from mockllm.core.json.codec import Json
from mockllm.dialects.price import Price
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.source_file import Source
from mockllm.scenario.yaml_reader import read_source


def read_prices(path: str | None) -> Mapping[str, Price]:
    """Return the prices of a file by the beginning of a model's name; none without a file. Raise BadOption with the
    place of each mistake."""
    if path is None:
        return {}
    try:
        source = read_source(Path(path).read_bytes(), path)
    except OSError as error:
        raise BadOption(f"--prices {path}: {error.strerror}") from None
    diagnostics = list(source.diagnostics)
    prices: dict[str, Price] = {}
    data = source.data
    if not diagnostics and not isinstance(data, dict):
        diagnostics.append(
            source.diagnostic((), "expected models with their prices: gpt-9: {input: 2, output: 8}")
        )
    for model, fields in data.items() if isinstance(data, dict) else ():
        found = _diagnostics(source, model, fields)
        diagnostics += found
        if not found and isinstance(fields, dict):
            prices[model] = Price(**fields)
    if diagnostics:
        raise BadOption("\n".join(map(str, diagnostics)))
    return prices


def _diagnostics(source: Source, model: str, fields: Json) -> list[Diagnostic]:
    """Return what is wrong in the prices of one model."""
    if not isinstance(fields, dict):
        return [
            source.diagnostic((model,), "expected {input: …, output: …} in US dollars for a million tokens")
        ]
    found: list[Diagnostic] = [
        source.diagnostic((model, name), f"unknown key; expected {', '.join(Price._fields)}", key=True)
        for name in fields
        if name not in Price._fields
    ]
    found += [
        source.diagnostic((model, name), f"expected a number of at least 0, found {value!r}")
        for name, value in fields.items()
        if name in Price._fields and (type(value) not in (int, float) or not 0 <= value < float("inf"))
    ]
    found += [
        source.diagnostic((model,), f"{name} is missing")
        for name in ("input", "output")
        if name not in fields
    ]
    return found
