"""The OpenAPI document, and that the server does what it says."""

from __future__ import annotations

from typing import Any

import pytest
import requests  # noqa: F401 - now: tests that run pytest in pytest would leave half of it behind
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockllm.server.control.api_types import ApiRoute
from mockllm.server.control.openapi import ANY_TEXT
from mockllm.server.control.routes import ROUTES
from tests.examples import examples
from tests.server.control.live_server import Steered
from tests.waiting import PATIENCE

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    allow_header_conformance,
]


def test_document_lists_every_route_and_valid_refs(server: Steered) -> None:
    document = server.call("GET", "/api/openapi.json").json
    for route in ROUTES:
        assert route.method.lower() in document["paths"][route.path]
    assert "post" in document["paths"]["/v1/chat/completions"]
    schemas = document["components"]["schemas"]
    text = str(document)
    names = [part.partition("'")[0] for part in text.split("#/components/schemas/")[1:]]
    assert set(names) <= schemas.keys()
    ids = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "control" in operation["tags"]
    ]
    assert len(ids) == len(set(ids)) == len(ROUTES)


def test_document_lists_the_errors_of_every_call(server: Steered) -> None:
    """Wrong tokens, another server that does not respond, and rules that were not changed."""
    paths = server.call("GET", "/api/openapi.json").json["paths"]
    for route in ROUTES:
        assert {"429", "502", "503"} <= paths[route.path][route.method.lower()]["responses"].keys()
    assert all("429" in paths[path]["get"]["responses"] for path in ("/metrics", "/ws", "/dashboard"))


def test_handlers_name_the_models_of_their_routes() -> None:
    """No type checker sees both: a route takes any handler."""
    for route in ROUTES:
        query, body = (model and model.__name__ for model in (route.query, route.body_model))
        known = ("ApiCall", f"ApiCall[{query}]", f"ApiCall[object, {body}]")
        assert route.handler.__annotations__["call"] in known


OWN = ["/health", "/metrics", "/ws", "/dashboard"]


@pytest.mark.parametrize("path", OWN)
def test_document_lists_server_paths(server: Steered, path: str) -> None:
    stated = server.call("GET", "/api/openapi.json").json["paths"][path]["get"]
    got = server.call("GET", path)
    assert got.headers["content-type"].partition(";")[0] in stated["responses"][str(got.status)]["content"]


# --- the server does what it says --------------------------------------------------------------------

EXAMPLES = examples(8)
"""So many good and bad calls of each route."""


@pytest.fixture(scope="module")
def document(running: Steered) -> schemathesis.schemas.BaseSchema:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{running.port}/api/openapi.json")


def test_document_is_valid_openapi(document: schemathesis.schemas.BaseSchema) -> None:
    document.validate()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda each: f"{each.method} {each.path}")
@pytest.mark.covering
def test_call_conforms_to_the_document(
    server: Steered, document: schemathesis.schemas.BaseSchema, route: ApiRoute, mode: GenerationMode
) -> None:
    server.ask("hello")
    server.ask("good bye", session="mine")
    url = f"http://127.0.0.1:{server.port}"
    tried = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=document[route.path][route.method].as_strategy(generation_mode=mode))
    def requested(case: schemathesis.Case[Any]) -> None:
        nonlocal tried
        tried += 1
        case.validate_response(case.call(base_url=url, timeout=PATIENCE), checks=CHECKS)

    try:
        requested()
    except Unsatisfiable:  # of what takes nothing there is no bad call
        assert mode is GenerationMode.NEGATIVE
        assert (route.query, route.body_model) == (None, None)
        assert route.raw is None or route.raw.startswith(ANY_TEXT)
    else:
        assert tried
