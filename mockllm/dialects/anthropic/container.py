"""The container in which the service runs code: reported where code ran, or where the request names one.

From recordings of code execution; skills from the types of the anthropic package (`BetaContainer`,
`BetaContainerParams`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.dialects.dialect import ResponseIdentity

LIFETIME: Final = 30 * 86_400
"""Seconds until a container expires, according to the service's documentation."""


_SKILL: Final = {"type": "custom", "skill_id": "", "version": "latest"}
"""The members of a skill, with the values where the request has none."""


def container_of(requested: Json, identity: ResponseIdentity) -> dict[str, Json]:
    """Return the container of a response: the requested one with its skills, else a new one."""
    requested = requested if isinstance(requested, dict) else {"id": requested}
    id, skills = requested.get("id"), requested.get("skills")
    container: dict[str, Json] = {
        "id": id if isinstance(id, str) else identity.ids.make("container_01", 22),
        "expires_at": map_placeholder(_expiry, identity.epoch_second),
    }
    if isinstance(skills, list):
        container["skills"] = [
            {name: skill.get(name) or default for name, default in _SKILL.items()}
            for skill in skills
            if isinstance(skill, dict)
        ]
    return container


def _expiry(second: int) -> str:
    return datetime.fromtimestamp(second + LIFETIME, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
