"""A kind of proposal as the tests of approvals know it, and the writes that change its facts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user

Change = Callable[[], object]


@dataclass(frozen=True)
class Kind:
    """A kind of proposal. `changes` has every shown fact that can change, and a write that changes it.

    `lock` takes the lock under which `apply` compares the facts again, and `meanwhile` names the fact that changes
    then; both are empty where every fact is in rows that are only ever inserted. `commits` names the fact whose change
    commits by itself: it is the last one.
    """

    propose: Callable[[], Proposal]
    constant: frozenset[str]
    changes: dict[str, Change]
    lock: Callable[[], object] | None = None
    meanwhile: str = ""
    commits: str = ""

    @property
    def shown(self) -> set[str]:
        return {*self.constant, *self.changes}


def finance() -> User:
    return make_user(Role.FINANCE)


def written(model: type[Model], **values: Any) -> Change:
    """Return a write of these values to the only rows that matter, those of the proposal."""
    return lambda: model._default_manager.update(**values)


def locked(model: type[Model]) -> Callable[[], object]:
    return lambda: list(model._default_manager.select_for_update().order_by("pk"))
