import { test as base } from "@playwright/test";
import { MockLLM, type MockSession } from "./mock-llm.js";
import type { ServerOptions } from "./server-process.js";

/**
 * Playwright's `test` with the fixture `mockllm`: a session for one test, on one server for each worker. A failed test has
 * the requests of its session as an attachment. Settings: `use: { mockllmOptions: { packs: "default" } }`.
 */
export const test = base.extend<{ mockllm: MockSession }, { mockllmServer: MockLLM; mockllmOptions: ServerOptions }>({
  mockllmOptions: [{}, { scope: "worker", option: true }],
  mockllmServer: [
    async ({ mockllmOptions }, use) => {
      const inside = process.env["MOCKLLM_URL"];
      const server = inside === undefined ? await MockLLM.start(mockllmOptions) : await MockLLM.connect(inside);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  mockllm: async ({ mockllmServer }, use, info) => {
    const session = mockllmServer.session();
    await use(session);
    if (info.status !== info.expectedStatus) {
      await info.attach("requests to mockllm", { body: await session.journal(), contentType: "text/plain" });
    }
    await session.close();
  },
});

export { expect } from "@playwright/test";
