// A test that starts a server takes longer than Vitest's five seconds on a busy machine.
export default { test: { testTimeout: 120_000, hookTimeout: 120_000 } };
