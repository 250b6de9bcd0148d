"""docs/prices.md says what the price lists are, and each list has a page and a day."""

from __future__ import annotations

import os
import re

from tests.docs.prices_page import PAGE, page, price_lists


def test_prices_page_is_up_to_date() -> None:
    """MOCKLLM_UPDATE_DOCS=1 writes it anew; look at the diff before it is committed."""
    if os.environ.get("MOCKLLM_UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_price_list_has_its_page_and_day() -> None:
    lists = price_lists()
    assert len(lists) == 4
    for _, prices in lists:
        assert prices.source.startswith("https://")
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", prices.day)
