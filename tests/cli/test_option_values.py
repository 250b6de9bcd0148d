"""The type of each option's value is what its conversion and its default make."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import GenericAlias
from typing import get_type_hints

import pytest

from mockllm import cli
from mockllm.cli.option import Option
from mockllm.cli.option_values import OptionValues

TYPES = get_type_hints(OptionValues)


def declared_options() -> Iterator[Option]:
    """Yield the options of all commands; commands may share them."""
    for module in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Option):
                    yield each


OPTIONS = {f"{option.key} {option.default}": option for option in declared_options()}


def type_of(option: Option) -> object:
    """Return the type of an option's value by its declaration."""
    if option.flag:
        return bool
    converted = str if option.convert is str else get_type_hints(option.convert)["return"]
    type_ = converted if option.many is None else GenericAlias(list, (converted,))
    return type_ | None if option.default is None else type_


def test_each_option_has_a_type() -> None:
    assert {option.key for option in OPTIONS.values()} == {*TYPES}


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_type_is_that_of_the_conversion(option: Option) -> None:
    assert type_of(option) == TYPES[option.key]


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_default_is_what_its_text_becomes(option: Option) -> None:
    if option.flag:
        assert option.default is False
    elif option.default is not None:
        assert option.convert(str(option.default)) == option.default
