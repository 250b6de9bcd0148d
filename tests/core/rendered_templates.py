"""A request for templates, and the value or the failure of a template."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.request import Request
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.template import (
    TemplateFailure,
    TemplateScope,
)

BODY = {
    "name": "Ada",
    "none": None,
    "yes": True,
    "temperature": 21.5,
    "count": 3,
    "big": 2**63 - 1,
    "empty": "",
    "list": ["a", "b", {"c": "deep"}],
    "items": "a key like any other",
    "a-b": "dashed",
    "code": "{{ model }}{% if %}",
}


def scope(body: Json = BODY, **more: Any) -> TemplateScope:
    request = Request(
        method="POST",
        path="/v1/chat",
        headers={"x-case": "7", "user-agent": "test"},
        query_string="delay=100&name=x",
        raw=dumps(body),
    )
    return TemplateScope(request, **more)


def rendered(source: str, **more: Any) -> Json:
    return compile_template(source, "a.yaml:3:5").render(scope(**more))


def failure(source: str, **more: Any) -> TemplateFailure:
    with pytest.raises(TemplateFailure) as caught:
        rendered(source, **more)
    return caught.value
