"""Spans of what was answered, for OpenTelemetry: one for each request, sent over OTLP/HTTP.

Nothing of it stands in the way of a request, and nothing is imported before the environment asks for it. What
a span says is made without OpenTelemetry (`spans`); only `exporting` knows its SDK, which is an extra.
"""
