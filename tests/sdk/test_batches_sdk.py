"""Files and batches with the official SDKs."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, cast

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

from tests.live import Live
from tests.live import live as serve

SCENARIO: Final = """
rules:
  - {name: limited, match: {user: {contains: fail}}, error: rate_limit}
  - {name: cut, match: {user: {contains: cut}}, reply: Never whole., faults: [{close: {}}]}
  - {name: slow, match: {user: {contains: slow}}, reply: Slow., delay: 1500ms}
  - {name: counted, match: {user: count}, sequence: [One., Two., Three.]}
  - name: usual
    reply: "Answer to {{ user }}"
"""


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("batches") / "batches.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


@pytest.fixture
def openai_client(batches: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{batches.url}/v1", api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture
def azure_client(batches: Live) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=f"{batches.url}/s/azure", api_key="k", api_version="2024-10-21", max_retries=0
    ) as client:
        yield client


@pytest.fixture
def claude_client(batches: Live) -> Iterator[anthropic.Anthropic]:
    base_url = f"{batches.url}/s/claude"
    with anthropic.Anthropic(base_url=base_url, api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture
def gemini_client(batches: Live) -> genai.Client:
    options = types.HttpOptions(base_url=f"{batches.url}/s/gemini")
    return genai.Client(api_key="k", http_options=options)


def until(read: Callable[[], Any], ended: Callable[[Any], bool]) -> Any:
    """Return the first object that has ended."""
    for _ in range(600):
        found = read()
        if ended(found):
            return found
        time.sleep(0.05)
    raise AssertionError("the batch does not end")


def openai_batch(
    client: openai.OpenAI, *texts: str, url: Literal["/v1/chat/completions"] = "/v1/chat/completions"
) -> Any:
    lines = [
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": url,
            "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]},
        }
        for number, text in enumerate(texts)
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=url, completion_window="24h")


def openai_ended(client: openai.OpenAI, id: str) -> Any:
    running = ("validating", "in_progress", "finalizing", "cancelling")
    return until(lambda: client.batches.retrieve(id), lambda batch: batch.status not in running)


def openai_lines(client: openai.OpenAI, file: str) -> list[Any]:
    return [json.loads(text) for text in client.files.content(file).text.splitlines()]


def test_openai_batch_completes(openai_client: openai.OpenAI) -> None:
    began = time.monotonic()
    created = openai_batch(openai_client, "one", "fail", "cut", "slow")
    assert created.status == "validating"
    batch = openai_ended(openai_client, created.id)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 2, 2)
    assert time.monotonic() - began >= 1.5, "a slow line holds up the batch"
    first, slow = openai_lines(openai_client, batch.output_file_id)
    assert first["response"]["body"]["choices"][0]["message"]["content"] == "Answer to one"
    assert slow["custom_id"] == "line-3"
    limited, cut = openai_lines(openai_client, batch.error_file_id)
    assert (limited["response"]["status_code"], cut["error"]["code"]) == (429, "request_timeout")
    assert batch.id in {each.id for each in openai_client.batches.list(limit=1)}


def test_openai_lines_count_as_requests(openai_client: openai.OpenAI, batches: Live) -> None:
    batch = openai_ended(openai_client, openai_batch(openai_client, "count", "count", "count").id)
    lines = openai_lines(openai_client, batch.output_file_id)
    texts = [line["response"]["body"]["choices"][0]["message"]["content"] for line in lines]
    assert texts == ["One.", "Two.", "Three."]


def test_openai_batch_is_cancelled(openai_client: openai.OpenAI) -> None:
    created = openai_batch(openai_client, "slow")
    assert openai_client.batches.cancel(created.id).status == "cancelling"
    batch = openai_ended(openai_client, created.id)
    assert (batch.status, batch.output_file_id) == ("cancelled", None)
    assert openai_lines(openai_client, batch.error_file_id)[0]["error"]["code"] == "batch_cancelled"
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        openai_client.batches.cancel(created.id)


@pytest.mark.parametrize("url", ["/chat/completions", "/v1/chat/completions"])
def test_azure_batch_completes(url: str, azure_client: openai.AzureOpenAI, batches: Live) -> None:
    endpoint = cast(Literal["/v1/chat/completions"], url)
    batch = openai_ended(azure_client, openai_batch(azure_client, "one", "fail", url=endpoint).id)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 1, 1)
    (first,) = openai_lines(azure_client, batch.output_file_id)
    assert first["response"]["body"]["choices"][0]["message"]["content"] == "Answer to one"
    assert "prompt_filter_results" in first["response"]["body"]
    assert batch.id in {each.id for each in azure_client.batches.list(limit=5)}
    assert azure_client.files.delete(batch.input_file_id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        azure_client.files.retrieve(batch.input_file_id)
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        azure_client.batches.cancel(batch.id)


def test_openai_files_are_managed(openai_client: openai.OpenAI) -> None:
    file = openai_client.files.create(file=("a.png", b"\x89PNG[[[{{{"), purpose="vision")
    assert openai_client.files.retrieve(file.id) == file
    assert openai_client.files.content(file.id).read() == b"\x89PNG[[[{{{"
    assert file.id in {each.id for each in openai_client.files.list(purpose="vision", limit=1)}
    assert openai_client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object") as missing:
        openai_client.files.retrieve(file.id)
    assert missing.value.param == "id"
    with pytest.raises(openai.BadRequestError, match="is not one of"):
        openai_client.files.create(file=("a.txt", b"x"), purpose="jokes")  # type: ignore[arg-type]


@pytest.mark.parametrize("maker", ["openai_client", "azure_client"])
def test_upload_in_parts_is_a_file(maker: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    client: openai.OpenAI = request.getfixturevalue(maker)
    content = b"0123456789" * 1000
    (tmp_path / "large.jsonl").write_bytes(content)
    upload = client.uploads.upload_file_chunked(
        file=tmp_path / "large.jsonl", mime_type="application/jsonl", purpose="batch", part_size=3000
    )
    assert upload.status == "completed"
    assert upload.file is not None
    assert client.files.content(upload.file.id).read() == content
    other = client.uploads.create(bytes=1, filename="a", mime_type="text/plain", purpose="vision")
    assert client.uploads.cancel(other.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        client.uploads.parts.create(other.id, data=b"x")


def claude_batch(client: anthropic.Anthropic, *texts: str) -> Any:
    requests = [
        {
            "custom_id": f"item-{number}",
            "params": {
                "model": "claude-sonnet-4-5",
                "max_tokens": 99,
                "messages": [{"role": "user", "content": text}],
            },
        }
        for number, text in enumerate(texts)
    ]
    return client.messages.batches.create(requests=requests)  # type: ignore[arg-type]  # plain dictionaries


def claude_ended(client: anthropic.Anthropic, id: str) -> Any:
    return until(
        lambda: client.messages.batches.retrieve(id), lambda batch: batch.processing_status == "ended"
    )


def test_claude_batch_ends_with_results(claude_client: anthropic.Anthropic) -> None:
    created = claude_batch(claude_client, "one", "fail", "cut")
    assert (created.processing_status, created.request_counts.processing) == ("in_progress", 3)
    batch = claude_ended(claude_client, created.id)
    assert (batch.request_counts.succeeded, batch.request_counts.errored) == (1, 2)
    one, limited, cut = (line.result for line in claude_client.messages.batches.results(batch.id))
    assert one.type == "succeeded"
    assert one.message.content[0].text == "Answer to one"  # type: ignore[union-attr]  # a text
    assert limited.type == cut.type == "errored"
    assert (limited.error.error.type, cut.error.error.type) == ("rate_limit_error", "timeout_error")
    assert next(iter(claude_client.messages.batches.list(limit=1))).id == batch.id
    assert claude_client.messages.batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError, match="not found"):
        claude_client.messages.batches.retrieve(batch.id)


def test_claude_batch_is_cancelled(claude_client: anthropic.Anthropic) -> None:
    created = claude_batch(claude_client, "slow")
    assert claude_client.messages.batches.cancel(created.id).processing_status == "canceling"
    batch = claude_ended(claude_client, created.id)
    assert batch.request_counts.canceled == 1
    (line,) = claude_client.messages.batches.results(batch.id)
    assert line.result.type == "canceled"


@pytest.mark.parametrize("beta", [False, True], ids=["files", "beta"])
def test_claude_files_are_managed(claude_client: anthropic.Anthropic, beta: bool) -> None:
    files: Any = claude_client.beta.files if beta else claude_client.files
    uploaded = [files.upload(file=(f"{number}.txt", b"text", "text/plain")) for number in range(3)]
    file = files.retrieve_metadata(uploaded[0].id)
    assert (file.filename, file.mime_type, file.size_bytes) == ("0.txt", "text/plain", 4)
    assert {each.id for each in files.list(limit=2)} >= {each.id for each in uploaded}
    with pytest.raises(anthropic.BadRequestError, match="not downloadable"):
        files.download(file.id)
    assert files.delete(file.id).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError, match="File not found"):
        files.delete(file.id)


def gemini_ended(client: genai.Client, name: str) -> Any:
    ends = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
    return until(
        lambda: client.batches.get(name=name), lambda batch: batch.state.name.rpartition("_")[2] in ends
    )


def test_gemini_batch_succeeds(gemini_client: genai.Client) -> None:
    requests = [types.InlinedRequest(contents=text, metadata={"n": text}) for text in ("one", "fail")]
    created = gemini_client.batches.create(model="gemini-2.5-flash", src=requests)
    assert created.name is not None
    batch = gemini_ended(gemini_client, created.name)
    assert batch.state.name == "JOB_STATE_SUCCEEDED"
    one, failed = batch.dest.inlined_responses
    assert (one.response.text, one.metadata) == ("Answer to one", {"n": "one"})
    assert (failed.error.code, failed.response) == (8, None)
    assert batch.name in {each.name for each in gemini_client.batches.list(config={"page_size": 1})}
    gemini_client.batches.delete(name=batch.name)
    with pytest.raises(genai_errors.ClientError, match="not found"):
        gemini_client.batches.get(name=batch.name)


def test_gemini_batch_reads_and_writes_files(gemini_client: genai.Client) -> None:
    contents = [{"role": "user", "parts": [{"text": "one"}]}]
    line = json.dumps({"key": "a", "request": {"contents": contents}}).encode()
    source = gemini_client.files.upload(
        file=io.BytesIO(line), config={"mime_type": "application/jsonl", "display_name": "in"}
    )
    assert source.name is not None
    created = gemini_client.batches.create(model="gemini-2.5-flash", src=source.name)
    batch = gemini_ended(gemini_client, created.name or "")
    result = json.loads(gemini_client.files.download(file=batch.dest.file_name))
    assert result["key"] == "a"
    assert result["response"]["candidates"][0]["content"]["parts"][0]["text"] == "Answer to one"


@pytest.mark.filterwarnings("ignore:batches.create_embeddings")
def test_gemini_embedding_batch_has_vectors(gemini_client: genai.Client) -> None:
    source: Any = {"inlined_requests": {"contents": ["one", "two"], "config": {"output_dimensionality": 8}}}
    created = gemini_client.batches.create_embeddings(model="gemini-embedding-001", src=source)
    batch = gemini_ended(gemini_client, created.name or "")
    embeddings = [each.response.embedding for each in batch.dest.inlined_embed_content_responses]
    assert [len(each.values) for each in embeddings] == [8, 8]


def test_gemini_batch_is_cancelled(gemini_client: genai.Client) -> None:
    created = gemini_client.batches.create(
        model="gemini-2.5-flash", src=[types.InlinedRequest(contents="slow")]
    )
    gemini_client.batches.cancel(name=created.name or "")
    assert gemini_ended(gemini_client, created.name or "").state.name == "JOB_STATE_CANCELLED"


def test_gemini_files_are_managed(gemini_client: genai.Client) -> None:
    content = b"\0" + b"[{" * 200_000
    file = gemini_client.files.upload(file=io.BytesIO(content), config={"mime_type": "video/mp4"})
    assert (file.size_bytes, file.mime_type) == (len(content), "video/mp4")
    assert file.name is not None
    assert file.state is not None
    assert file.state.name == "ACTIVE"
    assert gemini_client.files.get(name=file.name).sha256_hash == file.sha256_hash
    assert gemini_client.files.download(file=file.name) == content
    assert file.name in {each.name for each in gemini_client.files.list(config={"page_size": 1})}
    gemini_client.files.delete(name=file.name)
    with pytest.raises(genai_errors.ClientError, match="may not exist"):
        gemini_client.files.get(name=file.name)
