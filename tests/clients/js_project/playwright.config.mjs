export default { testMatch: "*.spec.ts", workers: 1, reporter: "list" };
