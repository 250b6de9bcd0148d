import { test as base } from "vitest";
import { MockLLM, type MockSession } from "./mock-llm.js";
import type { ServerOptions } from "./server-process.js";

interface Fixtures {
  mockllm: MockSession;
  mockllmServer: MockLLM;
  mockllmOptions: ServerOptions;
}

/**
 * Vitest's `test` with the fixture `mockllm`: a session for one test, on one server for each worker. A failed test prints
 * the requests of its session. Settings: `test.override({ mockllmOptions: { packs: "default" } })`.
 */
export const test = base.extend<Fixtures>({
  mockllmOptions: [{}, { scope: "worker" }],
  mockllmServer: [
    async ({ mockllmOptions }, use) => {
      const inside = process.env["MOCKLLM_URL"];
      const server = inside === undefined ? await MockLLM.start(mockllmOptions) : await MockLLM.connect(inside);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  mockllm: async ({ mockllmServer, task }, use) => {
    const session = mockllmServer.session();
    await use(session);
    if (task.result?.state === "fail") console.error(`requests to mockllm in "${task.name}":\n${await session.journal()}`);
    await session.close();
  },
});

export { expect } from "vitest";
