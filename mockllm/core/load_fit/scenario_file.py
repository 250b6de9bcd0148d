"""A fitted batch as a scenario file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockllm.core.display import counted
from mockllm.core.load_fit.benchmark_run import BenchmarkRun
from mockllm.core.load_fit.fitting import FittedBatch


def scenario_text(fitted: FittedBatch, runs: Sequence[BenchmarkRun]) -> str:
    """Return the YAML of a server with these settings, and what they rest on as comments."""
    return "\n".join([*_lines(fitted, runs), ""])


def _lines(fitted: FittedBatch, runs: Sequence[BenchmarkRun]) -> Iterator[str]:
    batch = fitted.batch
    total = counted(sum(run.completed for run in runs), "request")
    yield f"# Written by `mockllm fit`, from {counted(len(runs), 'run')} with {total}."
    yield from (f"# {note[0].upper()}{note[1:]}." for note in fitted.notes)
    yield "use: [vllm]"
    yield "modifiers:"
    yield "  - name: fitted"
    yield "    load:"
    yield "      batch:"
    if batch.slots is not None:
        yield f"        slots: {batch.slots}"
    speed = "" if batch.prefill_rate is None else f"tokens_per_second: {max(1.0, batch.prefill_rate):.0f}, "
    yield f"        prefill: {{{speed}base: {_duration(batch.base)}}}"
    times = ", ".join(f"{number}: {_duration(seconds)}" for number, seconds in batch.itl)
    yield f"        itl: {{{times}}}"


def _duration(seconds: float) -> str:
    digits = f"{seconds * 1000:.2f}".rstrip("0").rstrip(".")
    return f"{digits}ms"
