"""Where a winner is paid: finance proposes it when the platform cannot, and another person approves it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ledger.queries import francs_now
from payouts.calculations import SENEGAL, international
from payouts.enums import CYCLE_DESTINATION, CycleState
from payouts.queries.cycles import net_sats, payout_in_force, stored_cycle
from payouts.queries.destinations import proposed_masked
from payouts.services.destinations import are_own_phones, is_another_payee, propose_destination
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import show_code
from sunusav.backoffice.forms import ReasonAndCodeForm
from sunusav.backoffice.money import NOTHING, show_sats, show_xof
from sunusav.backoffice.sections import Box
from sunusav.core import clock
from sunusav.core.models import Proposal, User
from sunusav.core.money import msat_from_sats
from sunusav.core.phrasing import labelled
from transfers.destination_queries import masked_destinations
from transfers.enums import PAID_STATES
from transfers.types import Destination, MaskedDestination

KINDS = ("lightning_address", "bolt11", "lnurl", "phone")
PHONE = "phone"
LONGEST_VALUE = 4_000
PAID_THERE = _("%(winner)s is paid to the destination below, and no longer to the one before.")
WAITS = _(
    "It is another payee's, and counts as replaced from your approval on: above the limit of replaced destinations, the"
    " payout waits 24 hours or for a second person who waives it."
)
WAITS_NOT = _("It does not count as replaced: the payout waits no longer for it than it does now.")
OWN_PHONE = _("the one that the winner has as a member")
OTHER_PHONE = _("not the one that the winner has as a member")
PHONES = (_("Phone"), _("Phone of the second choice"))
CHECK_THE_WINNER = _(
    "Check with the winner, by a way that you know is theirs, that the destination is theirs."
)
VALUE_HELP = _("An invoice for exactly the net amount, an address, or a phone such as +221771234567.")


def rails() -> list[tuple[str, Any]]:
    """Return the rails that this installation pays over, as choices."""
    return [(name, show_code(name)) for name in settings.RAILS]


def kinds() -> list[tuple[str, Any]]:
    """Return the kinds of destinations, as choices."""
    return [(kind, show_code(kind)) for kind in KINDS]


def _or_none(choices: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [("", NOTHING), *choices]


class DestinationForm(ReasonAndCodeForm):
    """Where the winner is paid, and where if that is finally refused."""

    rail = forms.ChoiceField(label=_("Rail"), choices=rails)
    kind = forms.ChoiceField(label=_("Kind of destination"), choices=kinds)
    value = forms.CharField(
        label=_("Destination"), max_length=LONGEST_VALUE, strip=True, help_text=VALUE_HELP
    )
    second_rail = forms.ChoiceField(
        label=_("Rail of the second choice"), choices=lambda: _or_none(rails()), required=False
    )
    second_kind = forms.ChoiceField(
        label=_("Kind of the second choice"), choices=lambda: _or_none(kinds()), required=False
    )
    second_value = forms.CharField(
        label=_("Second choice"), max_length=LONGEST_VALUE, strip=True, required=False,
        help_text=_("It is paid only if the destination is finally refused. Leave all three empty for none."),
    )  # fmt: skip
    field_order = (
        "rail", "kind", "value", "second_rail", "second_kind", "second_value", "reason", "code",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _(
            "It is kept for good: write no name, phone or address of the member."
        )

    def clean_value(self) -> str:
        return _as_paid(str(self.cleaned_data.get("kind", "")), str(self.cleaned_data["value"]))

    def clean_second_value(self) -> str:
        return _as_paid(str(self.cleaned_data.get("second_kind", "")), str(self.cleaned_data["second_value"]))

    def clean(self) -> dict[str, Any]:
        second = [self.cleaned_data.get(name, "") for name in ("second_rail", "second_kind", "second_value")]
        if not self.errors and any(second) and not all(second):
            self.add_error("second_value", _("Give the rail, the kind and the destination, or none of them."))
        return super().clean()


def _as_paid(kind: str, value: str) -> str:
    """Return a phone with its country, anything else as it is."""
    if kind != PHONE or not value:
        return value
    number = international(value, country=SENEGAL)
    if number is None:
        raise forms.ValidationError(_("A phone number such as +221771234567 is required."))
    return number


def _propose(decision: Decision) -> None:
    given = decision.form_data
    second = Destination(given["second_rail"], given["second_kind"], given["second_value"])
    propose_destination(
        cycle_id=decision.row.pk, destination=Destination(given["rail"], given["kind"], given["value"]),
        second_choice=second if second.value else None, reason=decision.reason, proposer=decision.user,
        now=decision.now,
    )  # fmt: skip


def _is_unpaid(user: User, row: Any) -> bool:
    payout = row.facts.payout_in_force
    return row.state != CycleState.CANCELLED and (payout is None or payout.state not in PAID_STATES)


PROPOSE_DESTINATION = Action(
    slug="propose-destination",
    label=_("Propose another destination"),
    question=_(
        "Once another person has approved, the winner is paid there. It is for winners who cannot change it themselves."
        " The limits and the wait of 24 hours after a change of payee stay in force."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose,
    permission="payouts.propose_cycle_destination",
    form=DestinationForm,
    is_offered=_is_unpaid,
    proposes=CYCLE_DESTINATION,
    is_about_one_row=True,
)


@evidence_for(CYCLE_DESTINATION)
def destination_evidence(proposal: Proposal) -> Evidence:
    """Show where the winner is paid now and where they would be, masked, how much, and what may make it wait."""
    row, moment = stored_cycle(proposal.subject_id), clock.now()
    is_another = is_another_payee(row.pk, now=moment)
    now, then = masked_destinations(row.destinations), proposed_masked(row.pk)
    net = net_sats(row, payout_in_force(row.pk), at=moment)
    phones = [
        (label, OWN_PHONE if is_own else OTHER_PHONE)
        for label, is_own in zip(PHONES, are_own_phones(row.pk), strict=False)
        if is_own is not None
    ]
    return Evidence(
        Box(
            IF_APPROVED, PAID_THERE % {"winner": row.winner_user_id},
            steps=[WAITS if is_another else WAITS_NOT, CHECK_THE_WINNER], tone="alarm",
        ),
        [
            (_("Destination"), _shown(now[:1]), _shown(then[:1])),
            (_("Second choice"), _shown(now[1:]), _shown(then[1:])),
        ],
        [
            *phones,
            (_("Winner"), row.winner_user_id),
            (_("Pot"), show_sats(row.payout_total_sats)),
            (_("Net of the winner"), show_sats(net)),
            (_("In francs, at the rate of now"), show_xof(francs_now(msat_from_sats(net), now=moment))),
        ],
        warnings=[WAITS] if is_another else [],
    )  # fmt: skip


def _shown(destinations: Sequence[MaskedDestination]) -> str:
    if not destinations:
        return NOTHING
    (one,) = destinations
    return labelled(f"{show_code(one.rail)} {show_code(one.kind)}", one.masked_value)
