"""A scenario that paces with all words there are: each distribution, each chunk size, waits by input and by load,
a fault that waits, modifiers, limits. Chunks are some 50 ms apart, so that it compares with the plain streams.
"""

from __future__ import annotations

from typing import Final

MODELS: Final = ("lognormal", "normal", "uniform", "exponential", "empirical", "by-input", "scripted")
"""A rule for each; the streams ask for them in turn."""

SCENARIO: Final = """mockllm: 1
rules:
  - name: lognormal
    match: {model: lognormal}
    reply: {text: {tokens: 72}}
    pace:
      ttft: {lognormal: {median: 50ms, p99: 300ms}}
      itl: {lognormal: {median: 45ms, p99: 150ms}}
      chunk_size: 4 tokens
  - name: normal
    match: {model: normal}
    reply: {text: {tokens: 30}}
    pace:
      ttft: {normal: {mean: 100ms, stddev: 20ms}}
      itl: {normal: {mean: 50ms, stddev: 10ms}}
      chunk_size: 2 words
  - name: uniform
    match: {model: uniform}
    reply: {text: {tokens: 36}}
    pace: {ttft: [20ms, 200ms], tokens_per_second: [30, 50], chunk_size: 2 tokens}
  - name: exponential
    match: {model: exponential}
    reply: {text: {sentences: 18}}
    pace: {ttft: {exponential: {mean: 100ms}}, itl: {exponential: {mean: 50ms}}, chunk_size: 1 sentence}
  - name: empirical
    match: {model: empirical}
    reply: {text: {tokens: 36}}
    pace: {ttft: {empirical: [50ms, 80ms, 300ms]}, itl: {empirical: [30ms, 50ms, 70ms]}, chunk_size: 10 characters}
  - name: by-input
    match: {model: by-input}
    per: api_key
    reply: {text: {tokens: 18}, usage: {cached_tokens: 2}}
    pace: {ttft: {base: 20ms, per_input_token: 2ms, cached: 0.2ms}, itl: 50ms}
  - name: scripted
    match: {model: scripted}
    per: conversation
    sequence:
      - {reply: {chunks: [One, " two", {wait: 120ms}, " three", " four", {wait: 30ms}, " five"]}, pace: {itl: 50ms}}
      - {reply: {text: {tokens: 18}}, pace: {itl: 50ms}}
    then: cycle

modifiers:
  - name: uneven
    pace: {jitter: 10ms}
  - name: late
    chance: 10%
    delay: [10ms, 50ms]
  - name: slow
    chance: 20%
    per: api_key
    pace: {slowdown: [1, 1.5]}
  - name: standstill
    chance: 10%
    faults: [{stall: {after: {fraction: [10%, 90%]}, for: [100ms, 300ms]}}]
  - name: failing
    chance: 2%
    faults: [{error_event: {after: {fraction: 90%}}}]
  - name: quota
    per: api_key
    limit: {strategy: token-bucket, requests: 100000, tokens: 100000000, window: 1m}
  - name: machine
    load: {concurrency: 500, slowdown: 1.2}
"""
