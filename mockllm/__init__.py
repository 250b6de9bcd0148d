"""mockllm: a mock server for LLM provider APIs, driven by YAML scenarios."""

__version__ = "0.1.0"
