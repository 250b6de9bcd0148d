// Fails on purpose: the output must contain the requests.
import { test } from "mockllm/vitest";

// The first start takes longer than a test may on a busy machine.
test.beforeAll(async ({ mockllmServer }) => void mockllmServer, 60_000);

test("a failing test", async ({ mockllm }) => {
  await fetch(`${mockllm.openaiUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "hello" }] }),
  });
  throw new Error("on purpose");
});
