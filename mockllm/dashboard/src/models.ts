// The types of the control API that this page uses, as in /api/openapi.json.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Settings = { [key: string]: Json };

export interface Latency {
  count: number;
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
  buckets: [number | null, number][];
}

export interface EndpointMetrics {
  endpoint: string;
  requests: number;
  errors: number;
  missed: number;
  open: number;
  left: Record<string, number>;
  faults: Record<string, number>;
  latency: Latency;
  ttft: Latency;
  inter_chunk: Latency;
}

export interface Metrics {
  since: number;
  requests: number;
  errors: number;
  missed: number;
  open: number;
  per_second: number;
  endpoints: EndpointMetrics[];
}

export interface Second {
  at: number;
  requests: number;
  errors: number;
  missed: number;
  mean: number;
  bytes: number;
  /** The most responses in flight that were seen in this second. */
  open: number;
}

export interface Summary {
  id: number;
  at: number;
  method: string;
  path: string;
  client: string;
  session: string | null;
  key: string | null;
  endpoint: string | null;
  provider: string | null;
  model: string | null;
  rule: string | null;
  modifiers: string[];
  faults: string[];
  error: string | null;
  notes: string[];
  status: number;
  streamed: boolean;
  took: number;
  left: string;
  missed: boolean;
  seed: string;
  near_misses: string[];
}

export interface Pair {
  name: string;
  value: string;
}

export interface Detail extends Summary {
  request: { headers: Pair[]; body: Json; text: string | null; base64: string | null; whole: boolean };
  response: {
    status: number;
    headers: Pair[];
    chunks: { at: number; text: string | null; base64: string | null }[];
  };
}

export interface Explanation {
  outcome: string;
  rule: string | null;
  step: string | null;
  tried: { rule: string; where: string; number: number; fate: string; why: string | null }[];
  unshown: number;
  modifiers: string[];
  spared: Json[];
}

export interface Rule {
  id: string;
  kind: "rule" | "modifier";
  where: string;
  layer: "overlay" | "session" | "user" | "pack";
  session: string | null;
  tries: number;
  answers: number;
}

export interface ConversationPart {
  kind: string;
  text: string | null;
  name: string | null;
  id: string | null;
  arguments: Json;
}

export interface TimedEvent {
  planned: number;
  at: number | null;
  kind: string;
  chunk: number;
  text: string;
  /** The fault that changed the stream there. */
  fault: string | null;
}

/** What another server responded to a request of the journal. */
export interface Elsewhere {
  url: string;
  status: number;
  text: string | null;
  base64: string | null;
  whole: boolean;
  took: number;
}

export interface Conversation {
  system: string | null;
  tools: string[];
  left_out: number;
  turns: { role: string; parts: ConversationPart[] }[];
  response: {
    text: string | null;
    thinking: string | null;
    refusal: string | null;
    calls: ConversationPart[];
    finish: string | null;
    input_tokens: number | null;
    output_tokens: number | null;
  } | null;
  events: TimedEvent[];
}

/** A rule with its text. */
export interface RuleText extends Rule {
  yaml: string | null;
  /** The name of its file below the scenario folder. */
  file: string | null;
  line: number;
  pack: string | null;
}

export interface PreviewedRequest {
  id: number;
  method: string;
  path: string;
  model: string | null;
  user: string | null;
  status: number;
  before: string | null;
  after: string | null;
  modifiers: string[];
}

export interface Preview {
  errors: { field: string; message: string; line?: number; column?: number }[];
  changed: string[];
  checked: number;
  requests: PreviewedRequest[];
}

export interface FileListing {
  folder: string;
  writable: boolean;
  files: { name: string; digest: string }[];
}

export interface FileContent {
  name: string;
  digest: string;
  text: string;
  writable: boolean;
}

export interface Config {
  global: Settings;
  endpoints: Record<string, Settings>;
  overlay: string;
  folder: string | null;
  provider_origin: string | null;
}

export interface Endpoint {
  endpoint: string;
  paths: string[];
  settings: Settings;
}

export interface OverlayItem {
  name: string;
  kind: "rule" | "modifier";
  from_settings: boolean;
  endpoint: string | null;
  yaml: string;
}

export interface Setting {
  name: string;
  about: string;
  default: Json;
  choices: string[];
}

export interface ErrorStatus {
  name: string;
  status: number;
}

export interface FaultMode {
  name: string;
  about: string;
  family: string;
  settings: Setting[];
}

export interface Climate {
  name: string;
  about: string;
  yaml: string;
}

export interface Stale {
  file: string;
  reason: string;
  left_out: boolean;
}

export interface Health {
  status: string;
  version: string;
  rules: number;
  files: number;
  stale: Stale[];
  uptime: number;
  /** What is wrong with the store of several processes, or "ok"; absent without a store. */
  store?: string;
}

export interface Verdict {
  verdict: string;
  good: boolean;
  says: string;
  rule_of_conduct: string;
  requests: number[];
}

export interface ClientVerdicts {
  client: string;
  session: string | null;
  requests: number;
  verdicts: Verdict[];
}
