"""The header that names the rule of a response. It follows the settings and the faults, which may add headers."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from mockllm.core.rendering.plan import Plan

RULE_HEADER: Final = "x-mockllm-rule"
NO_RULE: Final = "none"
"""The value of the header where no rule, modifier or own response of a call responds."""


def with_rule_header(plan: Plan, id: str) -> Plan:
    """Return the finished plan: with the id of its rule in a header, and without `chunk_texts`. Only faults need
    these, and all faults were applied before."""
    head = replace(plan.head, fixed=(*plan.head.fixed, (RULE_HEADER, header_text(id))))
    return replace(plan, head=head, chunk_texts=())


def header_text(id: str) -> str:
    """Return an id as a header can carry it: what is not printable ASCII is percent-encoded."""
    return id if id.isascii() and id.isprintable() else quote(id, safe=" !\"#$&'()*+,-./:;<=>?@[]^_`{|}~")
