// Vercel's `ai`: embed and embedMany, by the providers that have embeddings.

import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { cosineSimilarity, embed, embedMany } from "ai";
import { URL, assert, test } from "./cases.mjs";

const openai = createOpenAI({ baseURL: `${URL}/v1`, apiKey: "sk-test" }).embedding("text-embedding-3-small");
const google = createGoogleGenerativeAI({ baseURL: `${URL}/v1beta`, apiKey: "key" }).embedding(
  "gemini-embedding-001",
);
const VALUES = ["the cat sat on the mat", "a cat sat on a mat", "interest rates rose in March"];

test("OpenAI: one text", async () => {
  const { embedding, usage } = await embed({ model: openai, value: "hello", maxRetries: 0 });
  assert.equal(embedding.length, 1536);
  assert.ok(usage.tokens > 0);
});

test("OpenAI: many texts, similar ones nearer", async () => {
  const { embeddings } = await embedMany({ model: openai, values: VALUES, maxRetries: 0 });
  const [cat, another, rates] = embeddings;
  assert.ok(cosineSimilarity(cat, another) > cosineSimilarity(cat, rates));
});

test("Google: one text", async () => {
  const providerOptions = { google: { outputDimensionality: 256 } };
  const { embedding } = await embed({ model: google, value: "hello", maxRetries: 0, providerOptions });
  assert.equal(embedding.length, 256);
});

test("Google: many texts, similar ones nearer", async () => {
  const { embeddings } = await embedMany({ model: google, values: VALUES, maxRetries: 0 });
  const [cat, another, rates] = embeddings;
  assert.deepEqual(
    embeddings.map((each) => each.length),
    [3072, 3072, 3072],
  );
  assert.ok(cosineSimilarity(cat, another) > cosineSimilarity(cat, rates));
});
