"""Legal variations: the same content in another legal form."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.event_parser import events, sent_bytes
from mockllm.core.rendering.plan import Framing, HeadLayout
from tests.core.faults import plans


def built(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


def test_header_form_is_part_of_the_delivery() -> None:
    plan = plans.played(built("header_form", case="upper", order="reversed"))
    assert plan.delivery.head_layout == HeadLayout("upper", True)
    assert plans.played(built("header_form")).delivery.head_layout == HeadLayout("lower", False)


@pytest.mark.parametrize("crlf", [False, True])
def test_no_space_leaves_the_events_as_they_are(crlf: bool) -> None:
    plain = plans.played(built("crlf")) if crlf else plans.STREAM
    dense = plans.played(built("no_space"), plain)
    assert list(events(dense)) == list(events(plain))
    assert sent_bytes(dense) == sent_bytes(plain).replace(b": ", b":")


def test_crlf_after_no_space_is_the_same_as_before() -> None:
    one = plans.played(built("crlf"), plans.played(built("no_space")))
    assert one.framing is Framing.SSE_DENSE_CRLF
    assert one == plans.played(built("no_space"), plans.played(built("crlf")))
    assert plans.reason(built("crlf"), one) == "its lines end with CRLF already"
    assert b":keep" not in sent_bytes(plans.played(built("comment_flood", count=1), one))


def test_no_space_of_an_array_has_reason() -> None:
    assert (
        plans.reason(built("no_space"), plans.ARRAY) == "the response is not a stream of server-sent events"
    )
