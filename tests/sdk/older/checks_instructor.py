"""Instructor with openai 3 of an older minor version: structured output by tools, by JSON and by schema, params
again where it does not fit."""

from __future__ import annotations

import asyncio
from typing import Any

import instructor
import openai
import pytest
from instructor.core import InstructorRetryException
from pydantic import BaseModel, field_validator

MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.JSON_SCHEMA]


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


class StrictWeather(Weather):
    @field_validator("city")
    @classmethod
    def nowhere(cls, city: str) -> str:
        raise ValueError("there is no such city")


def params(text: str = "How is the weather? Answer in JSON.", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


@pytest.fixture
def client(url: str) -> Any:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0) as built:
        yield built


@pytest.mark.parametrize("mode", MODES)
def test_create_returns_model_instance(mode: Any, client: Any) -> None:
    response = instructor.from_openai(client, mode=mode).create(response_model=Weather, **params())
    assert (response.city, response.degrees) == ("Paris", 21)


@pytest.mark.parametrize("mode", [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA])
def test_default_pack_fits_response_model(mode: Any, default: str) -> None:
    with openai.OpenAI(base_url=f"{default}/v1", api_key="sk", max_retries=0) as built:
        assert instructor.from_openai(built, mode=mode).create(response_model=Weather, **params()).city


def test_async(url: str) -> None:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0) as built:
            return await instructor.from_openai(built).create(response_model=Weather, **params())

    result = asyncio.run(ask())
    assert (result.city, result.degrees) == ("Paris", 21)


def test_create_partial_yields_growing_objects(client: Any) -> None:
    seen = list(instructor.from_openai(client).create_partial(response_model=Weather, **params()))
    assert len(seen) > 1
    assert (seen[-1].city, seen[-1].degrees) == ("Paris", 21)


def test_invalid_object_is_requested_again(client: Any) -> None:
    requester = instructor.from_openai(client)
    result, raw = requester.create_with_completion(
        response_model=Weather, max_retries=1, **params("hesitate, then tell the weather")
    )
    assert (result.city, result.degrees) == ("Paris", 21)
    assert raw.usage.total_tokens > 0


def test_object_that_stays_invalid_raises_retry_exception(client: Any) -> None:
    with pytest.raises(InstructorRetryException, match="no such city"):
        instructor.from_openai(client).create(response_model=StrictWeather, max_retries=1, **params())


def test_errors_of_the_provider(url: str) -> None:
    question = params() | {"model": "limited-once"}
    with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-instructor", max_retries=0) as built:
        client = instructor.from_openai(built)
        with pytest.raises((openai.RateLimitError, InstructorRetryException), match="Rate limit"):
            client.create(response_model=Weather, max_retries=0, **question)
