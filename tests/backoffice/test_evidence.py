"""Every kind of proposal shows before, after and its effect in figures, beside the button as well."""

import pytest
from django.test import Client

from fees.models import FeeBracketDraft, FeeScheduleDraft
from fees.queries import forget_schedules
from fees.services import propose_schedule
from sunusav.backoffice.decisions import evidence_of, kinds_with_evidence
from sunusav.backoffice.evidence import CHANGES, EFFECT, WARNINGS
from sunusav.backoffice.sections import Table
from sunusav.core.app_modules import collect
from sunusav.core.models import Proposal
from tests.backoffice.conftest import Enter
from tests.backoffice.proposals_made import MAKERS
from tests.backoffice.world import LATER, World
from tests.factories.payouts import NOW, make_ready_cycle, process
from tests.fakes.rail import invoice

PROPOSALS = "/admin/core/proposal/"
# Its provider has to vanish first: tests/backoffice/test_reviews.py shows its evidence.
ELSEWHERE = {"manual_resolution"}
SATS, FRANCS, THIN = "\u00a0sats", "\u00a0F\u00a0CFA", "\u202f"


def registered() -> set[str]:
    return {item.kind for item in collect("approvables", "APPROVABLES")}


def page(client: Client, proposal: Proposal) -> str:
    return client.get(f"{PROPOSALS}{proposal.pk}/change/").content.decode()


def question(client: Client, proposal: Proposal) -> str:
    return client.get(f"{PROPOSALS}actions/approve/", {"pk": proposal.pk}).content.decode()


def changes(proposal: Proposal) -> list[tuple[str, ...]]:
    found = evidence_of(proposal)
    assert found is not None
    return [tuple(str(cell) for cell in row) for row in found.changes]


def effect(proposal: Proposal) -> dict[str, str]:
    found = evidence_of(proposal)
    assert found is not None
    return {str(label): str(value) for label, value in found.effect}


def warnings(proposal: Proposal) -> list[str]:
    found = evidence_of(proposal)
    assert found is not None
    return [str(warning) for warning in found.warnings]


def test_every_registered_kind_has_evidence_and_is_walked_here() -> None:
    assert kinds_with_evidence() == registered()
    assert set(MAKERS) | ELSEWHERE == registered()


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_kind_shows_before_after_and_figures_where_it_is_decided(
    world: World, enter: Enter, kind: str
) -> None:
    proposal = MAKERS[kind](world)
    found = evidence_of(proposal)
    assert found is not None
    assert found.changes
    assert found.effect or found.figures

    person = enter(None)
    shown, asked = page(person, proposal), question(person, proposal)

    for text in (shown, asked):
        assert f'id="{CHANGES}"' in text
        assert (f'id="{EFFECT}"' in text) == bool(found.effect)
        assert (f'id="{WARNINGS}"' in text) == bool(found.warnings)
    assert ('name="typed_figure"' in asked) == (found.typed is not None)


def test_manual_rate_shows_the_gap_and_what_amounts_become(world: World) -> None:
    before, after = f"8{THIN}000{THIN}000", f"66{THIN}000{THIN}000.5"

    assert changes(world.manual_rate) == [
        ("Rate", f"{before}{FRANCS}\u00a0/\u00a0BTC", f"{after}{FRANCS}\u00a0/\u00a0BTC"),
        ("Source", "fallback", "manual"),
        # 10,000 sats are 1/10,000 bitcoin.
        (f"10{THIN}000{SATS}", f"800{FRANCS}", f"6{THIN}600{FRANCS}"),
        (f"100{THIN}000{SATS}", f"8{THIN}000{FRANCS}", f"66{THIN}000{FRANCS}"),
    ]
    # 66,000,000.5 / 8,000,000 is 8.2500000625.
    assert effect(world.manual_rate)["Difference"] == "+725\u00a0%"
    assert len(warnings(world.manual_rate)) == 1


def test_fee_schedule_shows_worked_examples_beside_those_in_force(world: World) -> None:
    proposal = MAKERS["fee_schedule"](world)
    found = evidence_of(proposal)
    assert found is not None
    [examples] = found.figures
    assert isinstance(examples, Table)

    rows = [[str(cell) for cell in row] for row in examples.rows]

    assert len(rows) == 5 * 4
    assert rows[8] == [
        f"100{THIN}000{SATS}", "standard", f"1{THIN}000{SATS}", f"1{THIN}000{SATS}", f"99{THIN}000{SATS}",
        f"99{THIN}000{SATS}", "500 + 200 + 300", "500 + 200 + 300",
    ]  # fmt: skip
    # Both discounts: 1 % × 0.5 × 0.75 = 0.375 % and 0.5 % × 0.5 × 0.75 = 0.1875 %.
    assert rows[15] == [
        f"1{THIN}000{THIN}000{SATS}", "both", f"3{THIN}750{SATS}", f"1{THIN}875{SATS}",
        f"996{THIN}250{SATS}", f"998{THIN}125{SATS}", f"1{THIN}875 + 750 + 1{THIN}125", "937 + 375 + 563",
    ]  # fmt: skip
    # 10,000,000 sats: 1 % is 100,000; 0.5 % is 50,000, which is the maximum as well.
    assert rows[16][2:4] == [f"100{THIN}000{SATS}", f"50{THIN}000{SATS}"]
    assert ("Maximum fee", "–", f"50{THIN}000{SATS}") in changes(proposal)
    assert ("Discount of verified groups", "50\u00a0%", "50\u00a0%") in changes(proposal)
    assert (found.typed, list(found.warnings)) == (None, [])


def test_fee_schedule_warns_of_a_cliff_and_of_a_steep_rise(world: World) -> None:
    draft = FeeScheduleDraft.objects.create(author=world.proposer, created_at=NOW, effective_at=LATER)
    for from_sats, rate_ppm in ((0, 10_000), (100_000, 20_000)):
        FeeBracketDraft.objects.create(draft=draft, from_sats=from_sats, base_rate_ppm=rate_ppm)
    forget_schedules()
    proposal = propose_schedule(draft_id=draft.pk, proposer=world.proposer, now=NOW, reason="dearer")

    # 99,999 sats leave 99,999 - 999 = 99,000; 100,000 leave 98,000.
    assert warnings(proposal) == [
        (
            f"The fee of 10{THIN}000{THIN}000{SATS} (standard) rises by more than half: from 100{THIN}000{SATS} to"
            f" 200{THIN}000{SATS}."
        ),
        (
            f"At 100{THIN}000{SATS} the winner receives less than one sat below: 98{THIN}000{SATS} instead of"
            f" 99{THIN}000{SATS}. A slightly larger payout leaves less."
        ),
    ]
    found = evidence_of(proposal)
    assert found is not None
    assert found.typed is not None
    assert found.typed.figure == "200000"


def test_verification_shows_the_fee_of_the_usual_pot(world: World) -> None:
    revocation = MAKERS["group_verification_revocation"](world)

    # Three members who give 10,000 sats each: 0.5 % is 150, 1 % is 300.
    assert changes(revocation)[:3] == [
        ("Verified", "Yes", "No"),
        ("Fee of the usual pot", f"150{SATS}", f"300{SATS}"),
        ("Net of the winner", f"29{THIN}850{SATS}", f"29{THIN}700{SATS}"),
    ]
    assert effect(revocation) == {
        "Usual pot": f"30{THIN}000{SATS}", "Members": "3", "Cycles that are not finished": "2",
        "Fees per cycle": f"+150{SATS}",
    }  # fmt: skip
    assert warnings(world.verification) == [
        f"The group has had no cycle yet: the figures are those of an example of 100{THIN}000{SATS}."
    ]


def test_short_closing_shows_what_the_winner_loses(world: World) -> None:
    proposal = MAKERS["cycle_short_closing"](world)

    # One of three has paid in full: 10,000 - 50 instead of 30,000 - 150.
    assert changes(proposal)[1:] == [
        ("Pot to pay out", f"30{THIN}000{SATS}", f"10{THIN}000{SATS}"),
        ("Fee", f"150{SATS}", f"50{SATS}"),
        ("Net of the winner", f"29{THIN}850{SATS}", f"9{THIN}950{SATS}"),
    ]
    assert effect(proposal)["Less for the winner"] == f"19{THIN}900{SATS}"
    assert warnings(proposal) == ["Fewer than half of the members have paid."]


def test_refund_shows_the_credit_before_and_after_and_francs(world: World) -> None:
    proposal = MAKERS["refund_payment"](world)

    [row] = changes(proposal)

    assert row == ("Credit", f"3{THIN}000{SATS}", f"2{THIN}000{SATS}")
    # 1,000 sats at 8,000,000.
    assert effect(proposal)["In francs, at the rate of now"] == f"80{FRANCS}"


def test_tax_rate_shows_the_tax_that_a_fee_contains(world: World) -> None:
    # 18 % of what is without tax: 1,000 × 18 / 118 = 152.5.
    assert ("Tax in a fee of 1\u202f000\u00a0sats", f"0{SATS}", f"152{SATS}") in changes(
        MAKERS["receipt_tax_rate"](world)
    )


def test_resume_shows_the_payments_that_only_the_pause_holds(world: World) -> None:
    cycle = make_ready_cycle(world.group, destination=invoice("binta", 29_850), cycle_id="cycle-due")
    process(cycle)
    proposal = MAKERS["outgoing_resume"](world)

    # 30,000 sats of a verified group: 150 are the fee.
    assert effect(proposal)["Payments that leave at once"] == "1"
    assert effect(proposal)["In all"] == f"29{THIN}850{SATS}"


def test_resume_says_who_paused_it_and_that_nothing_is_held(world: World) -> None:
    proposal = MAKERS["outgoing_resume"](world)

    found = effect(proposal)

    assert (found["Payments that leave at once"], found["In all"]) == ("0", f"0{SATS}")
    assert (found["Paused by"], found["Why"]) == ('<span title="system:tests">the system</span>', "odd node")
    assert warnings(proposal) == [
        "The system paused it by itself. Make sure that its cause is found and fixed."
    ]
