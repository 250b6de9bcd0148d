export { MockllmError } from "./control-api.js";
export type * from "./generated/scenario.js";
export type { AddedRule, ClientVerdicts, Count, Match, ReceivedRequest, RequestDetail, RuleOptions } from "./mock-base.js";
export { MockLLM, MockSession } from "./mock-llm.js";
export type { ServerOptions } from "./server-process.js";
