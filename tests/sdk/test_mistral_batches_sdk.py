"""What the mistralai package makes of Mistral's files and batch jobs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

mistralai = pytest.importorskip("mistralai.client")

__all__ = ["loopback_only"]

SCENARIO = """
mockllm: 1
rules:
  - {match: {user: limited}, error: rate_limit}
  - {match: {user: where}, reply: "In {{ headers['x-mockllm-batch'] }}."}
  - {match: {api: batches, model: broken}, error: overloaded}
  - match: {api: batches, model: slow}
    reply: {batch: completed}
    pace: {in_progress: 60s}
  - {reply: "Answer to {{ user }}"}
"""
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("mistral")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


@pytest.fixture
def client(server: Live) -> Iterator[Any]:
    with mistralai.Mistral(api_key="key", server_url=f"{server.url}/mistral") as client:
        yield client


def line(text: str, key: str) -> dict[str, Any]:
    return {"custom_id": key, "body": {"messages": [{"role": "user", "content": text}]}}


def ended(client: Any, id: str) -> Any:
    for _ in range(600):
        job = client.batch.jobs.get(job_id=id)
        if job.status not in ("QUEUED", "RUNNING", "CANCELLATION_REQUESTED"):
            return job
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def lines_of(client: Any, file: str) -> list[Any]:
    text = client.files.download(file_id=file).read().decode()
    return [json.loads(each) for each in text.splitlines()]


def test_job_of_uploaded_file_completes(client: Any) -> None:
    content = "\n".join(json.dumps(line(text, text)) for text in ("one", "limited")).encode()
    file = client.files.upload(file={"file_name": "in.jsonl", "content": content}, purpose="batch")
    assert (file.purpose, file.num_lines, file.size_bytes) == ("batch", 2, len(content))
    job = client.batch.jobs.create(
        input_files=[file.id], endpoint=CHAT, model="mistral-small-latest", metadata={"team": "x"}
    )
    assert job.status == "QUEUED"
    job = ended(client, job.id)
    assert (job.status, job.succeeded_requests, job.failed_requests) == ("SUCCESS", 1, 1)
    (found,) = lines_of(client, job.output_file)
    assert found["response"]["body"]["choices"][0]["message"]["content"] == "Answer to one"
    (failed,) = lines_of(client, job.error_file)
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("limited", 429)
    assert job.id in [each.id for each in client.batch.jobs.list(status=["SUCCESS"]).data]
    assert client.batch.jobs.delete(job_id=job.id).deleted
    with pytest.raises(mistralai.errors.SDKError, match="404"):
        client.batch.jobs.get(job_id=job.id)


def test_job_of_inline_requests_returns_its_outputs(client: Any) -> None:
    job = client.batch.jobs.create(requests=[line("where", "0")], endpoint=CHAT, model="mistral-small-latest")
    job = ended(client, job.id)
    (found,) = job.outputs
    assert found["response"]["body"]["choices"][0]["message"]["content"] == f"In {job.id}."
    assert client.batch.jobs.get(job_id=job.id, inline=False).outputs is None


def test_job_is_cancelled(client: Any) -> None:
    job = client.batch.jobs.create(requests=[line("one", "0")], endpoint=CHAT, model="slow")
    assert client.batch.jobs.cancel(job_id=job.id).status == "CANCELLATION_REQUESTED"
    assert ended(client, job.id).status == "CANCELLED"
    with pytest.raises(mistralai.errors.SDKError, match="409"):
        client.batch.jobs.cancel(job_id=job.id)


def test_faulted_job_raises(client: Any) -> None:
    with pytest.raises(mistralai.errors.SDKError, match="503"):
        client.batch.jobs.create(requests=[line("one", "0")], endpoint=CHAT, model="broken", retries=None)
    with pytest.raises(mistralai.errors.SDKError, match="No such file: x"):
        client.batch.jobs.create(input_files=["x"], endpoint=CHAT, model="mistral-small-latest")


def test_typed_batch_client_reads_results(server: Live) -> None:
    batch = pytest.importorskip("mistralai.extra.batch")
    models = mistralai.models

    async def run(threshold: int) -> Any:
        async with mistralai.Mistral(api_key="key", server_url=f"{server.url}/mistral") as client:
            typed = batch.BatchClient(client, endpoint=CHAT, response_body_type=models.ChatCompletionResponse)
            payload = batch.BatchInput.from_payload(
                {
                    text: models.ChatCompletionRequest(
                        model="mistral-small-latest", messages=[models.UserMessage(content=text)]
                    )
                    for text in ("one", "limited")
                }
            )
            return await typed.run(payload, poll_interval_seconds=0.05, inline_threshold=threshold)

    for threshold in (1000, 0):  # in the body, and as an uploaded file
        result = asyncio.run(run(threshold))
        assert result.by_id()["one"].choices[0].message.content == "Answer to one"
        assert [error.status_code for error in result.errors()] == [429]


def test_files_are_listed_addressed_and_deleted(client: Any) -> None:
    file = client.files.upload(file={"file_name": "a.pdf", "content": b"text"}, purpose="ocr", expiry=1)
    assert client.files.retrieve(file_id=file.id).deleted is False
    listed = client.files.list(purpose="ocr", page_size=10)
    assert (listed.total, listed.data[0].id) == (1, file.id)
    assert client.files.get_signed_url(file_id=file.id).url.endswith(f"/mistral/v1/files/{file.id}/content")
    assert client.files.delete(file_id=file.id).deleted
    with pytest.raises(mistralai.errors.SDKError, match="404"):
        client.files.retrieve(file_id=file.id)
