"""Filters of the list of cycles."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payouts.calculations import CYCLE
from payouts.enums import STATUS_OF_PAID_OUT_CYCLE, CycleState, CycleStatus
from payouts.models import Cycle
from sunusav.backoffice.facts import show_code
from sunusav.backoffice.filters import FewRows
from sunusav.core.subjects import key_of
from transfers.queries import subjects_in

STORED: Final = {
    CycleStatus.COLLECTING: CycleState.COLLECTING,
    CycleStatus.CANCELLED: CycleState.CANCELLED,
}
FEW: Final = (CycleStatus.PAYING, CycleStatus.FAILED)


class StatusFilter(FewRows):
    """Keep the cycles in a state as people see it: whether one is paid is read from its payout."""

    title = _("state")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status.value, show_code(status.value)) for status in CycleStatus]

    @property
    def is_selective(self) -> bool:  # type: ignore[override]
        return self.value() in FEW

    @property
    def keeps(self) -> Callable[[Sequence[Any]], list[Any]] | None:
        """Return what decides on each row; None where the stored state says all."""
        return None if self.value() in STORED else self._keep

    def _keep(self, rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if row.facts.status == self.value()]

    def lookups_used(self) -> dict[str, str]:
        return {"state": STORED.get(CycleStatus(str(self.value())), CycleState.READY).value}

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        states = [state for state, status in STATUS_OF_PAID_OUT_CYCLE.items() if status == value]
        subjects = subjects_in(states, prefix=f"{CYCLE}:")
        return Cycle.objects.filter(pk__in=[key_of(subject) for subject in subjects])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.is_selective:
            return super().queryset(request, queryset)
        return queryset.filter(**self.lookups_used()) if self.used_parameters else queryset
