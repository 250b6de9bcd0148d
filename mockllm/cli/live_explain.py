"""An explanation out of a running server: what stands in its files, its overlays and its counts now.

Apart from `mockllm explain`, which loads files of its own; imported when somebody asks.
"""

from __future__ import annotations

import time

from mockllm.core.json.codec import Json
from mockllm.engine import Engine
from mockllm.server.control.problem import diagnostics_problem


def explained_now(raw: bytes, engine: Engine) -> Json:
    """The explanation of a request as `mockllm explain --json` gives it; nothing is counted. An example of
    several steps is asked on counts of its own. Raises Problem."""
    from mockllm.cli.explain import followed, report
    from mockllm.cli.options import vocabulary
    from mockllm.state.sessions import Sessions
    from mockllm.testing.match_trace import match_trace
    from mockllm.testing.request_files import InvalidRequestFile, read_given

    try:
        runs = read_given(raw, "body", vocabulary())
    except InvalidRequestFile as error:
        raise diagnostics_problem(error.mistakes) from None
    reports: list[Json] = []
    for run in runs:
        if len(run) > 1:
            fresh = Engine(engine.catalog, Sessions(), seed=engine.seed)
            reports += [report(*each) for each in followed(run, fresh)]
        else:
            request = run[0].sent.read_by(engine, time.time())
            reports.append(report(run[0], match_trace(engine, request)))
    return reports[0] if len(reports) == 1 else reports
