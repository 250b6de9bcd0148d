"""Explanations by a running server, with its current files, overlays and counts.

Separate from `mockllm explain`, which loads files itself. Imported at the first request for an explanation.
"""

from __future__ import annotations

import time

from mockllm.core.json.codec import Json
from mockllm.engine import Engine
from mockllm.server.control.problem import diagnostics_problem


def explain_live(raw: bytes, engine: Engine) -> Json:
    """Return the explanation of a request in the form of `mockllm explain --json`. Nothing is counted. An example of
    several steps runs on separate counts. Raise Problem for a request that cannot be read."""
    from mockllm.cli.explain import report, trace_steps
    from mockllm.cli.options import vocabulary
    from mockllm.state.sessions import Sessions
    from mockllm.testing.match_trace import match_trace
    from mockllm.testing.request_files import InvalidRequestFile, read_request_file

    try:
        runs = read_request_file(raw, "body", vocabulary())
    except InvalidRequestFile as error:
        raise diagnostics_problem(error.diagnostics) from None
    reports: list[Json] = []
    for run in runs:
        if len(run) > 1:
            fresh = Engine(engine.catalog, Sessions(), seed=engine.seed)
            reports += [report(*each) for each in trace_steps(run, fresh)]
        else:
            request = run[0].sent.read_by(engine, time.time())
            reports.append(report(run[0], match_trace(engine, request)))
    return reports[0] if len(reports) == 1 else reports
