// A server of this file's own settings.
import { expect, test as base } from "mockllm/vitest";

const test = base.override({ mockllmOptions: { packs: "default" } });
test.beforeAll(async ({ mockllmServer }) => void mockllmServer, 60_000);

test("the pack responds where the test has no rule", async ({ mockllm }) => {
  const response = await fetch(`${mockllm.openaiUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "hello" }] }),
  });
  expect(response.status).toBe(200);
});
