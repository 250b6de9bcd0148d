"""OpenTelemetry traces: one span for each request, sent over OTLP/HTTP.

Traces do not delay requests, and nothing is imported before the environment enables them. `spans` computes the
spans without OpenTelemetry; only `exporter` imports its SDK, which is an extra.
"""
