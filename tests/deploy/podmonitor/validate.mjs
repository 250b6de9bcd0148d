// Reads a PodMonitor as JSON and validates it by the Prometheus Operator's own types; the exit code is 1 with a message.
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { readFileSync } from "node:fs";

try {
  new PodMonitor(JSON.parse(readFileSync(0, "utf-8"))).validate();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
