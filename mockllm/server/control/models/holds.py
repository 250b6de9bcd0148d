"""Models of released responses."""

from __future__ import annotations

from pydantic import BaseModel


class Released(BaseModel):
    """`released` is the number of responses that waited for the name."""

    name: str
    released: int
