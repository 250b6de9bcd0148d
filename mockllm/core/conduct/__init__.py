"""How clients behave: verdicts on what they did, found in the requests that came and how their answers went.

`deed` is one request with what became of it, `tries` those that ask for the same behind a failure, `verdicts`
the table of what may be said of them, and `judge` says it. Nothing here looks at a clock.
"""

from mockllm.core.conduct.client import Client
from mockllm.core.conduct.deed import Deed
from mockllm.core.conduct.judge import Conduct, judge
from mockllm.core.conduct.verdicts import VERDICTS, Given, Verdict

__all__ = ["VERDICTS", "Client", "Conduct", "Deed", "Given", "Verdict", "judge"]
