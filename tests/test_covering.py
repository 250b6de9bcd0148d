"""The default run has each value of a product's parameters once, and a run of all tests the product."""

from __future__ import annotations

import pytest

from tests.covering import chosen, redundant

CITIES, SIZES = ("Oslo", "Rome", "Bern"), (1, 2, 3, 4, 5)
PRODUCT = [frozenset({("city", city), ("size", size)}) for city in CITIES for size in SIZES]


def test_chosen_cases_have_every_value() -> None:
    taken = chosen(PRODUCT)
    assert frozenset().union(*(PRODUCT[place] for place in taken)) == frozenset().union(*PRODUCT)
    assert len(taken) == len(SIZES)


def test_chosen_cases_use_each_value_about_as_often() -> None:
    taken = [PRODUCT[place] for place in chosen(PRODUCT)]
    assert {sum(("city", city) in case for case in taken) for city in CITIES} == {1, 2}


def test_chosen_cases_are_the_same_each_time() -> None:
    assert chosen(PRODUCT) == chosen(list(PRODUCT))


def test_chosen_of_no_cases_is_nothing() -> None:
    assert chosen([]) == set()


def cases_of(request: pytest.FixtureRequest, name: str) -> list[pytest.Function]:
    """The cases of a test in this file, before any is left out."""
    module = request.node.getparent(pytest.Module)
    assert module is not None
    return [
        item for item in module.collect() if isinstance(item, pytest.Function) and item.originalname == name
    ]


@pytest.mark.covering
@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [[], {}])
def test_case_of_a_product(city: str, size: int, shape: object, request: pytest.FixtureRequest) -> None:
    items = cases_of(request, "test_case_of_a_product")
    left = {id(item) for item in redundant(items)}
    kept = [item.callspec.params for item in items if id(item) not in left]
    assert (len(items), len(kept)) == (30, 5)
    assert {(each["city"]) for each in kept} == set(CITIES)
    assert {str(each["shape"]) for each in kept} == {"[]", "{}"}


@pytest.mark.covering("city")
@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("size", SIZES)
def test_case_of_named_parameter(city: str, size: int, request: pytest.FixtureRequest) -> None:
    items = cases_of(request, "test_case_of_named_parameter")
    assert len(items) - len(list(redundant(items))) == len(CITIES)
