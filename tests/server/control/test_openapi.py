"""The OpenAPI document, and that the server does what it says."""

from __future__ import annotations

from mockllm.server.control.routes import ROUTES
from tests.server.control.steered import Steered


def test_the_document_lists_every_route_and_refers_to_what_is_there(server: Steered) -> None:
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
        if "operationId" in operation
    ]
    assert len(ids) == len(set(ids)) == len(ROUTES)
