"""What a rule passes on: a plan that says where to, and what is answered where nobody can ask there.

Apart from plans, because what comes of it is made by another server.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.faults import Fault
from mockllm.core.rendering.plan import Plan, ProxyTarget
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.scenario.language.proxy import ProxySpec


def proxy_plan(
    word: ProxySpec, delay: float, dialect: Dialect, request: Request, stamp: ResponseIdentity
) -> Plan:
    """The plan of a `proxy`; `delay` holds it back, in seconds. An example and `explain` see what it says."""
    message = f"This is passed on to {word.to}, which a running server does."
    plan = dialect.error(Failure("bad_gateway", message=message), request, stamp)
    onward = ProxyTarget(word.to, word.record)
    return replace(plan, delay=delay, delivery=replace(plan.delivery, proxy_target=onward))


def unplayed(faults: Sequence[Fault]) -> list[str]:
    """A note for each: they break answers that are made here."""
    return [f"{fault.name} not played: the answer is another server's" for fault in faults]
