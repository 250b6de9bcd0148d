"""How every command ends."""

from __future__ import annotations

import pytest

from mockllm.cli import main as cli


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 0)], ids=lambda each: str(each)
)
def test_what_ends_it_while_it_starts_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], code: int
) -> None:
    def interrupted(name: str) -> None:
        raise raised

    monkeypatch.setattr("importlib.import_module", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve"])
    assert ended.value.code == code
