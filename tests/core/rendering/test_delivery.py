"""A delivery in another process."""

from __future__ import annotations

import pickle

from mockllm.core.rendering.plan import Delivery


def test_delivery_leaves_its_process_without_its_websocket() -> None:
    delivery = Delivery(extra_head_lines=b"a: b\r\n", sends_nothing=True, websocket_factory=lambda: None)
    assert pickle.loads(pickle.dumps(delivery)) == Delivery(extra_head_lines=b"a: b\r\n", sends_nothing=True)
