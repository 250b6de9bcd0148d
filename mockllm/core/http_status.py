"""Reason phrases of HTTP statuses, the same on every version of Python.

Python 3.13 took over four phrases of RFC 9110; a recorded response has the phrase that most servers still send.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

PHRASES: Final = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
