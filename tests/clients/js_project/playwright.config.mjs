export default { testMatch: "*.spec.ts", workers: 1, reporter: "list", timeout: 240_000, expect: { timeout: 60_000 } };
