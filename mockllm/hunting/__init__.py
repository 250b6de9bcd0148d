"""Hunts: runs a client again and again against a server that disturbs it, and stores what breaks it.

`from mockllm.hunting import Hunt` is for a function; `mockllm hunt` for a command.
"""

from mockllm.hunting.hunt import Hunt
from mockllm.hunting.hunter import HuntBudget, NoBaseline

__all__ = ["Hunt", "HuntBudget", "NoBaseline"]
