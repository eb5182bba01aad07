"""What a person reads before they decide: what changes, its effect in figures, and what is out of the ordinary."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.sections import Box, Facts, Section, Table, Warnings

IF_APPROVED = _("If you approve")
ABOVE_LIMIT = _("%(amount)s is more than one payment may send by the limits in force.")
CHANGES = "changes"
EFFECT = "effect"
WARNINGS = "warnings"


@dataclass(frozen=True)
class TypedFigure:
    """A figure that is typed again before something out of the ordinary.

    `figure` is compared with what is typed, without blanks; `shown` has its unit; `why` says what is unusual.
    """

    figure: str
    shown: Any
    why: Any


def typed_amount(figure: int | Decimal, *, shown: Any) -> TypedFigure:
    """Return the figure of an amount above what one payment may send; the caller has compared it."""
    return TypedFigure(f"{Decimal(figure).normalize():f}", shown, ABOVE_LIMIT % {"amount": shown})


@dataclass(frozen=True)
class Evidence:
    """The facts that a decision is made on.

    `box` says in a sentence what happens. `changes` are what, before, after. `effect` is labelled figures, and
    `figures` sections of them; both are read when deciding. `more` is only on the page of the proposal.
    """

    box: Box
    changes: Sequence[Sequence[Any]]
    effect: Sequence[tuple[Any, Any]] = ()
    figures: Sequence[Section] = ()
    warnings: Sequence[Any] = ()
    typed: TypedFigure | None = None
    more: Sequence[Section] = ()

    @property
    def decisive(self) -> Sequence[Section]:
        """Return what is read when deciding, warnings first."""
        found: list[Section] = []
        if self.warnings:
            found.append(Warnings(_("Out of the ordinary"), self.warnings, anchor=WARNINGS))
        heads = (_("what"), _("before"), _("after"))
        found.append(Table(_("Before and after"), heads, self.changes, anchor=CHANGES, stacks=True))
        if self.effect:
            found.append(Facts(_("Effect in figures"), self.effect, anchor=EFFECT))
        return [*found, *self.figures]
