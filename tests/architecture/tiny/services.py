from datetime import datetime

from sunusav.core import trail
from sunusav.core.actors import Actor
from tests.architecture.tiny.errors import TreeAlreadyPlanted


def plant_tree(*, tree_id: str, actor: Actor, now: datetime) -> None:
    """Plant a tree. Raises: TreeAlreadyPlanted, for the tree `t-1`."""
    if tree_id == "t-1":
        raise TreeAlreadyPlanted(tree_id=tree_id)
    trail.record(subject=f"tree:{tree_id}", action="plant_tree", actor=actor, at=now)
