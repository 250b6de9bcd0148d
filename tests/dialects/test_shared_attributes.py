"""`shared_attributes` are computed once for all requests that differ in their turns only."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.request.divided_bodies import BODIES, MIN_DIVIDED_BYTES
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.test_agent_loop import CALLS, LOOK


@pytest.mark.parametrize("name", CALLS)
def test_shared_attributes_do_not_depend_on_turns(name: str) -> None:
    dialect = CALLS[name].dialect
    BODIES.clear()
    for number in range(4):
        user = "x" * MIN_DIVIDED_BYTES + str(number)
        wire = dialect.build_request(NeutralRequest(user=user, tools=(LOOK,), max_tokens=5))
        shared, alone = (
            dialect.request_class(method="POST", path=wire.path, headers={}, raw=dumps(wire.body))
            for _ in "ab"
        )
        vars(alone).update(body=wire.body, fields=wire.body, _parts=None)
        assert shared.fields == alone.fields
        for attribute in dialect.request_class.shared_attributes:
            assert getattr(shared, attribute) == getattr(alone, attribute), (
                f"{attribute} depends on the turns"
            )
