"""What waits at a cycle whose payout was reversed, and what an approver reads about reopening it."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ledger.queries import francs_now, owed
from payouts.calculations import cycle_subject, pot_of
from payouts.enums import CYCLE_REOPENING
from payouts.models import Cycle
from payouts.queries.cycles import cycle_facts, stored_cycle
from payouts.types import CycleFacts
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.decisions import evidence_for
from sunusav.backoffice.evidence import IF_APPROVED, Evidence
from sunusav.backoffice.facts import moment, numbered, show_code
from sunusav.backoffice.money import NOTHING, show_msat, show_sats, show_xof
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Box, Facts, Section, Table, link_to, link_to_page, show_subject
from sunusav.core import clock
from sunusav.core.approvals import open_proposal
from sunusav.core.models import Proposal
from sunusav.core.money import msat_from_sats
from transfers.destination_queries import masked_destinations
from transfers.enums import DisbursementState
from transfers.types import DisbursementFacts

INVOICE = "bolt11"
REOPENING_FOLLOWS = _(
    "Cycle %(cycle)s is ready again, and its payout of %(payout)s to %(winner)s can be ordered once more. The pot holds"
    " %(pot)s."
)
POT_TOO_SMALL = _("The pot holds less than the payout: it could not be ordered.")
NEW_INVOICE = _("Its destination is an invoice that was paid before: have the winner give a new one.")
REVERSED_TITLE = _("The payout was reversed")
REVERSED = _("Its money came back, and the pot holds %(pot)s. Nothing goes on by itself.")
REOPEN_STEP = _(
    "Propose to reopen the cycle. Once a second person has approved, the winner can be paid again."
)
REOPENING_PROPOSED = _("%(who)s has proposed to reopen the cycle. A second person decides on it:")
REOPENED_TITLE = _("The cycle was reopened")
REOPENED = _("It is paid once the payout is ordered again.")


@evidence_for(CYCLE_REOPENING)
def reopening_evidence(proposal: Proposal) -> Evidence:
    """Show what a reopened cycle may pay, from what, and where it would go now."""
    row, facts = stored_cycle(proposal.subject_id), proposal.facts
    (cycle,) = cycle_facts([row])
    payout_sats, pot_msat = facts["payout_total_sats"], facts["pot_msat"]
    says = REOPENING_FOLLOWS % {
        "cycle": row.pk, "winner": row.winner_user_id, "payout": show_sats(payout_sats), "pot": show_msat(pot_msat),
    }  # fmt: skip
    worth = francs_now(msat_from_sats(payout_sats), now=clock.now())
    effect: list[tuple[Any, Any]] = [
        (_("Can be paid once more"), show_sats(payout_sats)),
        (_("In francs, at the rate of now"), show_xof(worth)),
        (_("The pot holds"), show_msat(pot_msat)),
        (_("Winner"), row.winner_user_id),
        (_("Destination"), first_choice_masked(row)),
        (_("Destination set"), moment(row.destination_set_at)),
    ]
    return Evidence(
        Box(IF_APPROVED, says, steps=_invoice_step(row, cycle.payout)),
        [(_("State"), show_code("failed"), show_code("ready"))],
        effect,
        warnings=[POT_TOO_SMALL] if pot_msat < msat_from_sats(payout_sats) else [],
        more=(
            Facts(_("The cycle"), ((_("Cycle"), show_subject(cycle_subject(row.pk))),)),
            payout_section(cycle.payout),
        ),
    )


def first_choice_masked(row: Cycle) -> str:
    shown = masked_destinations(row.destinations[:1])
    return shown[0].masked_value if shown else NOTHING


def waits_for_reopening(cycle: CycleFacts) -> bool:
    payout = cycle.payout
    return payout is not None and payout.state == DisbursementState.REVERSED and not cycle.is_reopened


def reversed_box(row: Cycle) -> Box:
    waiting = open_proposal(CYCLE_REOPENING, row.pk)
    step: Any = REOPEN_STEP
    if waiting is not None:
        text = REOPENING_PROPOSED % {"who": waiting.proposer.get_username()}
        step = format_html("{} {}", text, link_to(waiting, numbered(waiting.pk)))
    says = REVERSED % {"pot": show_msat(owed(pot_of(row.pk)))}
    return Box(title=REVERSED_TITLE, text=says, steps=(step,))


def reopened_box(row: Cycle, payout: DisbursementFacts) -> Box:
    steps = _invoice_step(row, payout)
    return Box(title=REOPENED_TITLE, text=REOPENED, steps=steps, tone="attention" if steps else "calm")


def _invoice_step(row: Cycle, payout: DisbursementFacts | None) -> Sequence[Any]:
    """Return that a new invoice is needed, while the destination is one from before the reversed payment."""
    if row.destination_kind != INVOICE or payout is None or payout.completed_at is None:
        return ()
    is_new = row.destination_set_at is not None and row.destination_set_at > payout.completed_at
    return () if is_new else (NEW_INVOICE,)


def payout_section(payout: DisbursementFacts | None) -> Section:
    if payout is None:
        return Table(_("Payout"), (), (), _("No payout has been requested yet."))
    facts = [
        (_("Payment"), link_to_page("transfers.disbursement", payout.id, numbered(payout.id))),
        (_("State"), show_choice(payout.state)),
        (_("Fee"), show_sats(payout.fee_sats)),
        (_("Net"), show_sats(payout.net_sats)),
    ]
    if payout.failure.code:
        facts.append((_("Failure"), show_reason(payout.failure.code, payout.failure.facts)))
    return Facts(_("Payout"), facts)
