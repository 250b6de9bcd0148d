"""The OpenAPI document of the control API, generated from its routes and models; it also lists provider routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mockllm import __version__
from mockllm.core.json.codec import Json
from mockllm.dialects.route_table import ROUTES as PROVIDER_ROUTES
from mockllm.server.control.api_types import JSON, PROBLEM, YAML, ApiRoute
from mockllm.server.control.endpoints import ENDPOINTS
from mockllm.server.control.problem import ProblemBody

REF: Final = "#/components/schemas/{model}"
ERRORS: Final = {
    "400": "The body cannot be read.",
    "401": "The admin token is missing or wrong.",
    "403": "Access is limited to this machine, without pages of another origin.",
    "404": "The object does not exist.",
    "405": "The path has no such method.",
    "409": "The present state does not allow the call.",
    "413": "The body is too large.",
    "422": "A field is invalid; `errors` names it.",
    "429": "Too many wrong admin tokens came from the caller's address.",
    "501": "This server was started without the necessary part.",
    "502": "Another server does not respond.",
    "503": "The rules were not changed.",
}
TEXT: Final = {"type": "string"}
PARAMETERS: Final[dict[str, dict[str, Json]]] = {
    "endpoint": {
        "description": "The endpoint's name, or one of its paths, URL-encoded.",
        "anyOf": [{"enum": [*ENDPOINTS]}, {"type": "string", "pattern": "^/"}],
    },
    "file": {
        "description": "The path of a file below the scenario folder, URL-encoded.",
        "type": "string",
        "minLength": 1,
    },
    "id": {"type": "integer", "minimum": 1},
    "name": {"type": "string", "minLength": 1},
    "session": {"type": "string", "minLength": 1},
}
"""Schemas of the parameters in paths."""


ANY_TEXT: Final = "any text"
"""The start of the description of a body that no text violates."""


def document(routes: Sequence[ApiRoute]) -> dict[str, Json]:
    """Return the document (OpenAPI 3.1) of all routes of the control API."""
    models: list[type[BaseModel]] = [ProblemBody]
    for route in routes:
        models += [
            model for model in (route.body_model, route.response_model, route.query) if model is not None
        ]
    inputs = {model for route in routes for model in (route.body_model, route.query)}
    modes = [(model, "validation" if model in inputs else "serialization") for model in dict.fromkeys(models)]
    refs, schemas = models_json_schema(modes, ref_template=REF)  # type: ignore[arg-type]
    by_model = {model: ref for (model, _), ref in refs.items()}
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_model, schemas["$defs"])
    paths.update(_server_paths(by_model[ProblemBody]))
    for path, method, operation in _providers():
        paths.setdefault(path, {}).setdefault(method, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mockllm", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(route: ApiRoute, refs: Mapping[type, Json], schemas: dict[str, Json]) -> dict[str, Json]:
    types = (route.content_type, route.or_type)
    content = {type: {"schema": _schema(type, route, refs)} for type in types if type is not None}
    problem = {"content": {PROBLEM: {"schema": refs[ProblemBody]}}}
    operation: dict[str, Json] = {
        "tags": ["control"],
        "operationId": f"{route.method.lower()}_{'_'.join(re.findall('[a-z]+', route.path[5:])) or 'api'}",
        "summary": route.summary,
        "responses": {
            "200": {"description": "Done.", "content": content},
            **{code: {"description": text, **problem} for code, text in ERRORS.items()},
        },
    }
    parameters: list[dict[str, Json]] = [
        {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name]}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.query is not None:
        model = schemas[route.query.__name__]
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in model["properties"].items()
        ]
    if parameters:
        operation["parameters"] = parameters
    if route.body_model is not None:
        operation["requestBody"] = {"content": {JSON: {"schema": refs[route.body_model]}}}
    elif route.raw is not None:
        rules = route.raw.startswith("YAML")
        schema = {"type": "object", "minProperties": 1} if rules else {"type": "object"}
        accepted = {type: {"schema": schema} for type in ((JSON, YAML) if rules else (JSON,))}
        if route.raw.startswith(ANY_TEXT):  # the call reports what is wrong with it
            accepted = {YAML: {"schema": {}}}
        operation["requestBody"] = {"description": route.raw, "required": True, "content": accepted}
    return operation


def _schema(content_type: str, route: ApiRoute, refs: Mapping[type, Json]) -> Json:
    if content_type == YAML:
        return {"type": "object"}
    if content_type != JSON:
        return TEXT
    return refs[route.response_model] if route.response_model is not None else {"type": ["object", "array"]}


def _server_paths(problem: Json) -> dict[str, Json]:
    """Return the server's paths outside of `/api`."""

    def operation(
        id: str, summary: str, content_type: str, status: str = "200", more: Json = None
    ) -> dict[str, Json]:
        schema = {"type": "object"} if content_type == JSON else TEXT
        done = {"description": "Done.", "content": {content_type: {"schema": schema}}}
        responses = {
            status: done if status == "200" else {"description": "The live feed begins."},
            **(more or {}),
        }
        return {"get": {"tags": ["server"], "operationId": id, "summary": summary, "responses": responses}}

    def error_responses(codes: Mapping[str, str]) -> dict[str, Json]:
        content = {PROBLEM: {"schema": problem}}
        return {code: {"description": text, "content": content} for code, text in codes.items()}

    denied = {code: ERRORS[code] for code in ("401", "403", "429")}
    ws = {**denied, "400": "Not a handshake.", "426": "Send an upgrade.", "503": "Too many followers."}
    page = {code: {"description": text, "content": {"text/html": {"schema": TEXT}}} for code, text in (
        ("303", "The token is correct, or not necessary."), ("401", "Shows a form for the admin token."),
        ("403", ERRORS["403"]), ("429", ERRORS["429"]), ("503", "The dashboard is not built."),
    )}  # fmt: skip
    dashboard = operation("dashboard", "The dashboard, for a browser", "text/html", more=page)
    dashboard["get"]["parameters"] = [{"name": "token", "in": "query", "required": False, "schema": TEXT}]
    return {
        "/health": operation("health", "Whether the server runs, and what it has loaded", JSON),
        "/metrics": operation(
            "metrics", "All metrics, for Prometheus", "text/plain", more=error_responses(denied)
        ),
        "/ws": operation("feed", "The live feed: a WebSocket", "text/plain", "101", error_responses(ws)),
        "/dashboard": dashboard,
    }


def _providers() -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Yield the provider routes by path and method; the providers define their bodies."""
    for route in PROVIDER_ROUTES:
        prefix = f"/{route.provider}" if route.needs_prefix else ""
        for path in route.paths():
            full = prefix + path
            names = dict.fromkeys(re.findall(r"\{(\w+)\}", full))
            operation: dict[str, Json] = {
                "tags": [route.provider],
                "summary": f"{route.provider}: {route.dialect.api}",
                "responses": {"default": {"description": "The response of a scenario."}},
            }
            if names:
                operation["parameters"] = [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in names
                ]
            yield full, route.method.lower(), operation
