"""Scenario folders, packs and request files for the commands that are run on them."""

from __future__ import annotations

from typing import Final

GOOD: Final = """\
rules:
  - name: greeting
    match: {user: {contains: hello, ignore_case: true}}
    reply: "Hi, {{ model }} here."
  - name: weather-call
    match: {tools: get_*, tool_result: {exists: false}}
    reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
  - name: once
    match: {user: once}
    times: 1
    per: api_key
    sets_state: {seen: true}
    reply: Only once.
  - name: flaky
    match: {model: flaky-*}
    sequence: [{error: {type: rate_limit, retry_after: 2s}, times: 2}, Third time lucky.]
  - name: drawn
    match: {user: drawn}
    choose: [{weight: 3, reply: often}, seldom]
    delay: [10ms, 2s]
  - name: page
    match: {method: GET, path: /status/*}
    http: {status: 202, headers: {x-queue: "3"}, body: {ready: false}}
modifiers:
  - name: paced
    match: {stream: true}
    pace: {ttft: 300ms, itl: [10ms, 90ms], chunk_size: 2 words}
  - {name: quota, match: {user: quota}, limit: {strategy: fixed-window, requests: 2, window: 1m}}
  - {name: seldom-late, match: {user: {contains: hello}}, every: 3, delay: 1s}
  - {name: broken, match: {query: {break: "1"}}, faults: [{malformed: {at: {chunk: 2}}}]}
examples:
  - request: {provider: [openai, anthropic, gemini], user: Hello you, model: tiny-1}
    expect: {rule: greeting, text: "Hi, tiny-1 here."}
  - name: the third try
    steps:
      - {request: {model: flaky-1}, expect: {error: rate_limit}}
      - {request: {model: flaky-1}, expect: {status: 429}}
      - {request: {model: flaky-1}, expect: {text: Third time lucky.}}
"""

FAILING: Final = """\
rules:
  - {name: greeting, match: {user: hello}, reply: Hi.}
examples:
  - {request: {user: hello}, expect: {text: Hi.}}
  - name: another text
    request: {provider: [openai, anthropic], user: hello}
    expect: {text: Good day., status: 201, took: 3s}
  - {name: near miss, request: {user: hullo}, expect: {rule: greeting}}
  - steps:
      - {request: {user: hello}, expect: {text: Hi.}}
      - {request: {user: bye}, expect: {status: 200}}
"""

MISTAKES: Final = """\
rules:
  - {name: a, match: {usr: hello}, reply: 500}
  - {name: a, match: {user: {regex: "("}}, reply: Hi., error: rate_limits}
  - {name: c, match: {model: x}, delay: 5, chance: 120%}
  - {name: d, match: {user: {contain: x}}, reply: "{{ user | uper }}"}
modifiers:
  - {name: e, faults: [stal, {stall: {fro: 5s}}], pace: {itl: fast}}
examples:
  - {request: {user: hi}, expect: {rulle: a}}
"""

WARNINGS: Final = """\
rules:
  - {name: all, reply: Hi.}
  - {name: never, match: {user: hello}, reply: Hi.}
  - {name: slow, match: {user: {regex: "^(a+)+(?=b)"}}, reply: Hi.}
  - {name: outside, match: {path: /elsewhere}, reply: Hi.}
"""

NOT_YAML: Final = "rules:\n  - {name: a, reply: [\n"

PACK: Final = """\
name: greeter
version: "1.2.0"
requires: ">=0.1"
description: Greets in a language of your choice.
license: MIT
params:
  greeting: {type: string, default: Hello, env: GREETING, description: The first word.}
  mood: {type: [calm, storm], default: calm}
  wait: {type: duration, default: 0s}
"""

PACK_RULES: Final = """\
rules:
  - {name: storm, enabled: {mood: storm}, error: unavailable}
  - name: elsewhere
    match: {user: go}
    http: {status: 307, headers: {Location: "https://elsewhere.example/v1"}}
  - {name: greet, fallback: true, delay: "${wait}", reply: "${greeting}, {{ user }}!"}
modifiers:
  - {name: torn, match: {user: torn}, faults: [{reset: {after: {chunks: 1}}}]}
examples:
  - {request: {user: Ann}, expect: {text: "Hello, Ann!"}}
"""

NEWER: Final = """\
rules:
  - name: greeting
    match: {user: {contains: hello, ignore_case: true}}
    reply: "Welcome, {{ model }} here."
  - {name: flaky, match: {model: flaky-*}, reply: At once., delay: 1s}
  - {name: status, match: {method: GET, path: /status/*}, http: {status: 200, body: {ready: true}}}
"""

REQUESTS: Final = {
    "match.json": '{"user": "Hello there", "model": "gpt-4o"}',
    "streamed.json": '{"provider": "anthropic", "user": "hello world", "stream": true}',
    "gemini.json": '{"provider": "gemini", "user": "drawn", "stream": true}',
    "near.json": '{"user": "onze", "model": "gpt-4o"}',
    "route.json": '{"method": "GET", "path": "/v1/unknown/call"}',
    "page.json": '{"method": "GET", "path": "/status/7"}',
    "tools.json": '{"provider": "openai", "api": "responses", "tools": ["get_weather"], "user": "x"}',
    "legacy.json": '{"path": "/v1/completions", "body": {"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}}',
    "azure.json": '{"provider": "azure", "user": "hello", "stream": true}',
    "groq.json": '{"provider": "groq", "user": "hello", "query": {"break": "1"}, "stream": true}',
    "embeddings.json": '{"path": "/v1/embeddings", "body": {"model": "e", "input": "hello"}}',
    "invalid.json": '{"path": "/v1/chat/completions", "body": {"model": "gpt-4o", "messages": "hello"}}',
    "raw.json": '{"model": "claude-x", "max_tokens": 9, "system": "s", '
    '"messages": [{"role": "user", "content": "hello"}]}',
    "guard.json": '{"steps": [{"request": {"user": "once"}}, {"after": "1s", "request": {"user": "once"}}]}',
    "quota.json": '{"steps": [{"request": {"user": "quota", "model": "flaky-1"}}, '
    '{"request": {"user": "quota", "model": "flaky-1"}}, {"request": {"user": "quota", "model": "flaky-1"}}]}',
    "broken.json": '{"user": "hello", "modle": "x"}',
    "unreadable.json": '{"user": ',
}

FILES: Final = {
    "good/a.yaml": GOOD,
    "failing/a.yaml": FAILING,
    "mistakes/a.yaml": MISTAKES,
    "mistakes/b.yaml": NOT_YAML,
    "mistakes/c.yaml": "surprise: 1\n",
    "warnings/a.yaml": WARNINGS,
    "newer/a.yaml": NEWER,
    "empty/readme.txt": "nothing\n",
    "greeter/pack.yaml": PACK,
    "greeter/rules.yaml": PACK_RULES,
    "badpack/pack.yaml": 'name: "../x"\nversion: 1\n',
    "badpack/rules.yaml": "rules:\n  - {name: a, reply: {text: {file: ../secret}}}\n",
    "using/a.yaml": "use: [{pack: ../greeter}, weather]\nrules: []\n",
    "beside/a.yaml": "use: [{pack: ./inner, with: {mood: storm}}]\n",
    "beside/inner/pack.yaml": PACK,
    "beside/inner/rules.yaml": PACK_RULES,
    **{f"asked/{name}": text for name, text in REQUESTS.items()},
}

JSON_COMMANDS: Final = {
    "check-good": "check good --json",
    "check-mistakes": "check mistakes --json",
    "check-warnings": "check warnings --json",
    "check-strict": "check warnings --strict --json",
    "check-empty": "check empty --json",
    "check-missing": "check nowhere --json",
    "check-pack": "check beside --json",
    "check-wrong-use": "check using --json",
    "check-set": "check greeter --set greeter.mood=stormy --json",
    "test-good": "test good --json",
    "test-failing": "test failing --json",
    "test-selected": "test failing -k near --json",
    "test-mistakes": "test mistakes --json",
    "test-none": "test empty --json",
    "explain-mistakes": "explain asked/match.json --scenarios mistakes --json",
    "explain-unknown-word": "explain asked/broken.json --scenarios good --json",
    "explain-unreadable": "explain asked/unreadable.json --scenarios good --json",
    "explain-no-file": "explain asked/nothing.json --scenarios good --json",
    "explain-pack": "explain asked/match.json --pack default,weather --set weather.climate=storm --json",
    "diff-same": "diff good good --json",
    "diff-newer": "diff good newer --json",
    "diff-requests": "diff good newer --requests asked/page.json --requests asked/match.json --json",
    "diff-mistakes": "diff good mistakes --json",
    "diff-missing": "diff good nowhere --json",
    "hash-chat": "hash asked/match.json",
    "hash-raw": "hash asked/raw.json",
    "hash-ignored": "hash asked/raw.json --hash-ignore system,max_tokens",
    "hash-unreadable": "hash asked/unreadable.json",
    "pack-check-good": "pack check greeter --json",
    "pack-check-bad": "pack check badpack --json",
    "pack-check-missing": "pack check nowhere --json",
    "pack-list": "pack list --json",
    "pack-info-shipped": "pack info weather --json",
    "pack-info-folder": "pack info ./greeter --json",
    "pack-info-missing": "pack info nowhere --json",
}

EXPLAINED: Final = tuple(
    name.removesuffix(".json") for name in REQUESTS if name not in ("broken.json", "unreadable.json")
)
