"""The real Lightning rail with a fuse around every call: before it, and after its answer, before it is stored."""

from collections.abc import Callable
from typing import Any

from lightning.rail import LightningRail
from tests.crash.kill_switch import KILL_SWITCH


class KillSwitchRail(LightningRail):
    def prepare(self, *args: Any, **kwargs: Any) -> Any:
        return _fused("prepare", super().prepare, args, kwargs)

    def send(self, *args: Any, **kwargs: Any) -> Any:
        return _fused("send", super().send, args, kwargs)

    def find(self, *args: Any, **kwargs: Any) -> Any:
        return _fused("find", super().find, args, kwargs)


class ImpatientRail(KillSwitchRail):
    """Stops listening after two seconds and asks later: a node's long silences would only make a soak longer."""

    def __init__(self) -> None:
        super().__init__(timeout_seconds=1, listen_margin_seconds=1)


def _fused(name: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    KILL_SWITCH.step(f"before {name}")
    answer = call(*args, **kwargs)
    KILL_SWITCH.step(f"after {name}")
    return answer
