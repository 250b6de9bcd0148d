// Files and batches with the packages openai, @anthropic-ai/sdk and @google/genai.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI, { AzureOpenAI, toFile } from "openai";
import { setTimeout as wait } from "node:timers/promises";
import { HELLO, URL, all, assert, rejection, test } from "./cases.mjs";

const openai = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test", maxRetries: 0 });
const claude = new Anthropic({ baseURL: URL, apiKey: "sk-test", maxRetries: 0 });
const gemini = new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: URL } });

/** The first object that has ended. */
async function until(read, ended) {
  for (;;) {
    const found = await read();
    if (ended(found)) return found;
    await wait(50);
  }
}

/** Uploads a line, creates its batch, and reads the response in the batch's output. */
async function batchOfOneLine(client, url) {
  const body = { model: "gpt-4o", messages: [{ role: "user", content: "hello" }] };
  const line = { custom_id: "a", method: "POST", url, body };
  const file = await client.files.create({
    file: await toFile(Buffer.from(JSON.stringify(line)), "in.jsonl"),
    purpose: "batch",
  });
  const created = await client.batches.create({
    input_file_id: file.id,
    endpoint: url,
    completion_window: "24h",
  });
  const batch = await until(
    () => client.batches.retrieve(created.id),
    (found) => found.status === "completed",
  );
  const output = JSON.parse(await (await client.files.content(batch.output_file_id)).text());
  assert.equal(output.response.body.choices[0].message.content, HELLO);
  assert.equal((await client.files.delete(file.id)).deleted, true);
  assert.equal((await rejection(client.files.retrieve(file.id))).status, 404);
}

test("an OpenAI batch from its file to its responses", () => batchOfOneLine(openai, "/v1/chat/completions"));

test("an Azure batch from its file to its responses", () => {
  const settings = { endpoint: URL, apiKey: "key", apiVersion: "2024-10-21", maxRetries: 0 };
  return batchOfOneLine(new AzureOpenAI(settings), "/chat/completions");
});

test("a message batch and its results", async () => {
  const params = { model: "claude-sonnet-4-5", max_tokens: 99, messages: [{ role: "user", content: "hello" }] };
  const created = await claude.messages.batches.create({ requests: [{ custom_id: "a", params }] });
  const batch = await until(
    () => claude.messages.batches.retrieve(created.id),
    (found) => found.processing_status === "ended",
  );
  const [line] = await all(await claude.messages.batches.results(batch.id));
  assert.equal(line.result.type, "succeeded");
  assert.equal(line.result.message.content[0].text, HELLO);
});

test("a Gemini batch", async () => {
  const src = [{ contents: [{ role: "user", parts: [{ text: "hello" }] }] }];
  const created = await gemini.batches.create({ model: "gemini-2.5-flash", src });
  const batch = await until(
    () => gemini.batches.get({ name: created.name }),
    (found) => found.state === "JOB_STATE_SUCCEEDED",
  );
  const [{ response }] = batch.dest.inlinedResponses;
  assert.equal(response.candidates[0].content.parts[0].text, HELLO);
});

test("a file of Gemini is uploaded, found and deleted", async () => {
  const file = await gemini.files.upload({
    file: new Blob(["text"], { type: "text/plain" }),
    config: { displayName: "mine" },
  });
  assert.equal(file.sizeBytes, "4");
  assert.equal((await gemini.files.get({ name: file.name })).displayName, "mine");
  await gemini.files.delete({ name: file.name });
  assert.match((await rejection(gemini.files.get({ name: file.name }))).message, /may not exist/);
});

test("a batch job of Vertex AI from storage to storage, cancelled, listed and deleted", async () => {
  const token = { getRequestHeaders: async () => new Headers({ authorization: "Bearer token" }) };
  const vertex = new GoogleGenAI({
    vertexai: true,
    project: "project",
    location: "us-central1",
    googleAuthOptions: { authClient: token },
    httpOptions: { baseUrl: URL },
  });
  const bucketJob = { model: "gemini-2.5-flash", src: "gs://bucket/in.jsonl", config: { displayName: "mine" } };
  const created = await vertex.batches.create(bucketJob);
  assert.equal(created.state, "JOB_STATE_PENDING");
  const job = await until(
    () => vertex.batches.get({ name: created.name }),
    (found) => found.state === "JOB_STATE_SUCCEEDED",
  );
  assert.equal(job.displayName, "mine");
  assert.equal(job.dest.gcsUri, "gs://bucket/in/dest");
  const other = await vertex.batches.create(bucketJob);
  await vertex.batches.cancel({ name: other.name });
  assert.match((await vertex.batches.get({ name: other.name })).state, /^JOB_STATE_CANCELL/);
  const names = (await all(await vertex.batches.list({ config: { pageSize: 1 } }))).map((found) => found.name);
  assert.ok(names.includes(created.name));
  await vertex.batches.delete({ name: created.name });
  assert.equal((await rejection(vertex.batches.get({ name: created.name }))).status, 404);
});
