"""The real Lightning rail with steps of the kill switch before every call and after every answer."""

from collections.abc import Callable
from typing import Any

from lightning.rail import LightningRail
from tests.crash.kill_switch import KILL_SWITCH


class KillSwitchRail(LightningRail):
    def prepare(self, *args: Any, **kwargs: Any) -> Any:
        return _with_steps("prepare", super().prepare, args, kwargs)

    def send(self, *args: Any, **kwargs: Any) -> Any:
        return _with_steps("send", super().send, args, kwargs)

    def find(self, *args: Any, **kwargs: Any) -> Any:
        return _with_steps("find", super().find, args, kwargs)


class ImpatientRail(KillSwitchRail):
    """Stop waiting for an answer after two seconds, so that a silent node does not make the soak longer."""

    def __init__(self) -> None:
        super().__init__(timeout_seconds=1, listen_margin_seconds=1)


def _with_steps(name: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    KILL_SWITCH.step(f"before {name}")
    answer = call(*args, **kwargs)
    KILL_SWITCH.step(f"after {name}")
    return answer
