"""One request to a server with a pack and an environment, and all of its response: the rows of docs/switching.md are
compared with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mockllm.core.json.codec import dumps, loads
from mockllm.core.rendering.plan import EventStep, Plan, RawStep, WaitStep
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.engine import Engine, PlannedResponse
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.manifest import ParamSettings
from mockllm.state.engine_state import EngineState

KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


class PackRequest:
    """The result of one request to a server with this pack and environment."""

    def __init__(
        self,
        pack: str,
        query: str = "",
        model: str = "gpt-4o",
        environment: dict[str, str] | None = None,
        raw: bytes | None = None,
        scenarios: Path | None = None,
        **body: Any,
    ) -> None:
        folders = () if scenarios is None else (str(scenarios),)
        gathered = load_scenarios(
            ScenarioSources(folders, (pack,), ParamSettings((), environment or {}), KNOWN_NAMES)
        )
        assert not gathered.diagnostics
        self.engine = engine = Engine(run_steps(compile_catalog(gathered.entries)), EngineState())
        if raw is None:
            raw = dumps({"model": model, "messages": [{"role": "user", "content": "Say it back."}], **body})
        self.request = engine.read(
            "POST", "/v1/chat/completions", query.lstrip("?"), {}, raw, "127.0.0.1", 1.7e9
        )
        self.answer: PlannedResponse = engine.respond(self.request)
        self.plan: Plan = self.answer.plan
        self.status = self.plan.head.status

    def again(self, count: int, after: float = 0.0) -> list[int]:
        """The statuses of so many more such requests, that much later."""
        self.request.now += after
        self.request.monotonic += after
        return [self.engine.respond(self.request).status for _ in range(count)]

    @property
    def body(self) -> Any:
        (step,) = (step for step in self.plan.steps if isinstance(step, EventStep))
        return loads(step.payload)

    @property
    def text(self) -> str:
        return str(self.body["choices"][0]["message"]["content"])

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.body["error"])

    @property
    def chunks(self) -> list[str]:
        written = b"".join(
            step.data if isinstance(step, RawStep) else b"data: %b\n\n" % step.payload
            for step in self.plan.steps
            if isinstance(step, (RawStep, EventStep))
        )
        result = re.findall(rb"data: (\{.*\})\n\n", written)
        output = [loads(event)["choices"] for event in result]
        return [
            choices[0]["delta"]["content"]
            for choices in output
            if choices and choices[0]["delta"].get("content")
        ]

    @property
    def waits(self) -> list[float]:
        return [step.seconds for step in self.plan.steps if isinstance(step, WaitStep)]
