"""Values that are no templates, and fields that refuse null."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import BaseModel, GetCoreSchemaHandler, JsonValue, TypeAdapter, ValidationError, field_validator
from pydantic_core import CoreSchema

from mockllm.core.templates.template import SubstitutedText
from mockllm.core.values.constants import NO_TEMPLATE, Constant
from mockllm.core.values.strict_model import NO_VALUE, without_null

JSON: TypeAdapter[object] = TypeAdapter(dict[str, Constant[JsonValue]])
TEXT: TypeAdapter[str] = TypeAdapter(Constant[str])


@pytest.mark.parametrize(
    "value", ["{{ user }}", ["a", "{% if a %}b{% endif %}"], {"a": [{"b": "{{ user }}"}]}]
)
def test_template_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match=NO_TEMPLATE):
        JSON.validate_python({"x": value})
    assert JSON.validate_python({"x": value}, context={"literal": True}) == {"x": value}


@pytest.mark.parametrize("value", ["{ user }", ["a", 1], {"a": [{"b": None}]}])
def test_other_values_are_accepted(value: object) -> None:
    assert JSON.validate_python({"x": value}) == {"x": value}


def test_value_of_a_parameter_is_no_template() -> None:
    assert TEXT.validate_python(SubstitutedText("{{ user }}", None)) == "{{ user }}"
    with pytest.raises(ValidationError, match=NO_TEMPLATE):
        TEXT.validate_python(SubstitutedText("b{{ user }}", "b{{ user }}"))


class Settings(BaseModel):
    accepted: ClassVar[tuple[str, ...]] = ("absent",)

    text: str | None = None
    checked: str | None = None
    absent: int | None = None
    number: int = 1

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return without_null(source, handler, cls.accepted)

    @field_validator("checked")
    @classmethod
    def short(cls, value: str) -> str:
        return value[:3]


@pytest.mark.parametrize("name", ["text", "checked"])
def test_field_refuses_null(name: str) -> None:
    with pytest.raises(ValidationError, match=NO_VALUE) as raised:
        Settings.model_validate({name: None})
    assert [each["loc"] for each in raised.value.errors()] == [(name,)]


def test_field_may_be_left_out() -> None:
    assert Settings.model_validate({"absent": None}) == Settings()
    assert Settings.model_validate({"text": "a", "checked": "abcd"}).checked == "abc"
    assert Settings().text is None
