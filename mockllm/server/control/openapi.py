"""The OpenAPI document of the control API, made of its table and models; it lists the provider routes too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mockllm import __version__
from mockllm.dialects.routes import ROUTES as PROVIDER_ROUTES
from mockllm.server.control.api_types import JSON, PROBLEM, YAML
from mockllm.server.control.endpoints import ENDPOINTS
from mockllm.server.control.problem import ProblemBody
from mockllm.server.control.routes import ROUTES, ApiRoute

REF: Final = "#/components/schemas/{model}"
ERRORS: Final = {
    "400": "The body cannot be read.",
    "401": "The admin token is missing or wrong.",
    "403": "Only this machine may ask, and no page of another origin.",
    "404": "There is none.",
    "405": "Another method is wanted.",
    "409": "What there is stands against it.",
    "413": "The body is too large.",
    "422": "A field does not fit; `errors` names it.",
    "501": "This server was started without what it needs.",
}
TEXT: Final = {"type": "string"}
PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "endpoint": {
        "description": "The api's name, or a path that it is asked by, URL-encoded.",
        "anyOf": [{"enum": [*ENDPOINTS]}, {"type": "string", "pattern": "^/"}],
    },
    "id": {"type": "integer", "minimum": 1},
    "name": {"type": "string", "minLength": 1},
    "session": {"type": "string", "minLength": 1},
}
"""What stands in the places of paths."""


def document() -> dict[str, Any]:
    """The document (OpenAPI 3.1)."""
    models: list[type[BaseModel]] = [ProblemBody]
    for route in ROUTES:
        models += [each for each in (route.body_model, route.response_model, route.query) if each is not None]
    wanted = [
        (model, "validation" if model in _taken() else "serialization") for model in dict.fromkeys(models)
    ]
    refs, schemas = models_json_schema(wanted, ref_template=REF)  # type: ignore[arg-type]
    by_model = {model: ref for (model, _), ref in refs.items()}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_model, schemas["$defs"])
    paths.update(_own(by_model[ProblemBody]))
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


def _taken() -> set[type[BaseModel]]:
    return {each for route in ROUTES for each in (route.body_model, route.query) if each is not None}


def _operation(route: ApiRoute, refs: Mapping[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    types = (route.content_type, route.or_type)
    content = {each: {"schema": _schema(each, route, refs)} for each in types if each is not None}
    problem = {"content": {PROBLEM: {"schema": refs[ProblemBody]}}}
    operation: dict[str, Any] = {
        "tags": ["control"],
        "operationId": f"{route.method.lower()}_{'_'.join(re.findall('[a-z]+', route.path[5:])) or 'api'}",
        "summary": route.summary,
        "responses": {
            "200": {"description": "Done.", "content": content},
            **{code: {"description": said, **problem} for code, said in ERRORS.items()},
        },
    }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name]}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    if route.query is not None:
        own = schemas[route.query.__name__]
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in own["properties"].items()
        ]
    if parameters:
        operation["parameters"] = parameters
    if route.body_model is not None:
        operation["requestBody"] = {"content": {JSON: {"schema": refs[route.body_model]}}}
    elif route.raw is not None:
        rules = route.raw.startswith("YAML")
        schema = {"type": "object", "minProperties": 1} if rules else {"type": "object"}
        taken = {each: {"schema": schema} for each in ((JSON, YAML) if rules else (JSON,))}
        operation["requestBody"] = {"description": route.raw, "required": True, "content": taken}
    return operation


def _schema(content_type: str, route: ApiRoute, refs: Mapping[Any, Any]) -> Any:
    if content_type == YAML:
        return {"type": "object"}
    if content_type != JSON:
        return TEXT
    return refs[route.response_model] if route.response_model is not None else {"type": ["object", "array"]}


def _own(problem: Any) -> dict[str, Any]:
    """What the server has beside the control API's own calls."""

    def told(
        id: str, summary: str, content_type: str, status: str = "200", more: Any = None
    ) -> dict[str, Any]:
        schema = {"type": "object"} if content_type == JSON else TEXT
        done = {"description": "Done.", "content": {content_type: {"schema": schema}}}
        responses = {
            status: done if status == "200" else {"description": "The feed follows."},
            **(more or {}),
        }
        return {"get": {"tags": ["server"], "operationId": id, "summary": summary, "responses": responses}}

    def refused(codes: Mapping[str, str]) -> dict[str, Any]:
        content = {PROBLEM: {"schema": problem}}
        return {code: {"description": said, "content": content} for code, said in codes.items()}

    away = {code: ERRORS[code] for code in ("401", "403")}
    ws = {**away, "400": "No handshake.", "426": "Ask with an upgrade.", "503": "Too many follow."}
    page = {code: {"description": said, "content": {"text/html": {"schema": TEXT}}} for code, said in (
        ("303", "The token was right, or is not needed."), ("401", "Shows a form for the admin token."),
        ("403", ERRORS["403"]), ("503", "It is not built."),
    )}  # fmt: skip
    shown = told("dashboard", "The dashboard, for a browser", "text/html", more=page)
    shown["get"]["parameters"] = [{"name": "token", "in": "query", "required": False, "schema": TEXT}]
    return {
        "/health": told("health", "Whether it answers, and what is loaded", JSON),
        "/metrics": told("metrics", "What was counted, for Prometheus", "text/plain", more=refused(away)),
        "/ws": told("feed", "The live feed: a WebSocket", "text/plain", "101", refused(ws)),
        "/dashboard": shown,
    }


def _providers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The mocked calls, by path and method: their bodies are the providers' own."""
    for route in PROVIDER_ROUTES:
        prefix = f"/{route.provider}" if route.prefixed else ""
        for path in route.paths():
            full = prefix + path
            names = dict.fromkeys(re.findall(r"\{(\w+)\}", full))
            operation: dict[str, Any] = {
                "tags": [route.provider],
                "summary": f"{route.provider}: {route.dialect.api}",
                "responses": {"default": {"description": "What the scenarios say."}},
            }
            if names:
                operation["parameters"] = [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in names
                ]
            yield full, route.method.lower(), operation
