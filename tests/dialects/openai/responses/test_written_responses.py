"""A response that a rule writes itself (`http`) is stored, too, and may lack members of OpenAI's."""

from __future__ import annotations

from tests.language.virtual_server import raw_request, respond_all

SCENARIO = """
rules:
  - http:
      status: 200
      body: {id: resp_1, object: response, output: [{id: msg_1, type: message, content: []}]}
"""


def test_written_response_without_a_model_is_streamed() -> None:
    _, read = respond_all(
        SCENARIO,
        raw_request("/v1/responses", {"model": "gpt-4o", "input": "Hi"}),
        raw_request("/v1/responses/resp_1", method="GET", query="stream=true"),
    )
    assert read.status == 200
    assert b'"type":"response.completed"' in read.bytes
