"""What timelines say about whole stories, line by line. The numbers are worked out in `tests.backoffice.stories`.

A bitcoin is worth 8,000,000 francs: the net of 19,800 sats is 1,584 francs, the fee of 200 sats is 16.
"""

# Lines of a timeline stand here as they are read, each on one line.
# ruff: noqa: E501

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from fees.models import FeeBracketDraft, FeeScheduleDraft
from fees.queries import forget_schedules
from fees.services import propose_schedule
from ledger.services import approve_manual_rate, propose_manual_rate
from payouts.models import Refund
from payouts.services.cycles import set_destination
from payouts.services.erasure import propose_erasure
from payouts.services.payouts import retry_payout
from payouts.services.proposals import (
    propose_cancellation,
    propose_exchange,
    propose_refund,
    propose_short_closing,
)
from payouts.services.reopening import propose_reopening
from sunusav.backoffice.timeline import LINES_SHOWN, timeline_of
from sunusav.core.actors import Actor
from sunusav.core.approvals import propose, reject
from sunusav.core.models import TrailEntry
from sunusav.core.trail import TrailFact, record, record_all
from tests.backoffice.stories import NET_SATS, Story, lines_of
from tests.factories.payouts import NOW
from tests.fakes.rail import invoice
from tests.transfers.rails import proof_of
from tests.transfers.resolution_cases import GONE, SEEN
from transfers.collectors import collector
from transfers.enums import FailureClass, ResolutionVerdict, ReturnKind
from transfers.rails import rail
from transfers.services.limits import propose_limit
from transfers.services.resolutions import propose_resolution
from transfers.services.reversals import propose_reversal
from transfers.services.switches import switch_off
from transfers.types import Refused

QUERIES = 23
pytestmark = [pytest.mark.django_db, pytest.mark.each_leg]


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    settings.COLLECTORS = {"lightning": "tests.transfers.rails.SteeredCollector"}
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    with translation.override("fr"):
        yield
    for forget in forgets:
        forget()


@pytest.fixture
def story(db: None) -> Story:
    return Story()


READY = [
    "10:01:00 plateforme: Tour créé : 2 cotisations de 10 000 sats, bénéficiaire user-0 | Groupe: medina | Rang: 1",
    "10:02:00 plateforme: Demande de paiement adressée au payeur | → cotisation de user-0",
    "10:02:30 Lightning: Reçu 10 000 sats : la complète | → cotisation de user-0",
    "10:02:30 le système: Payée en totalité | → cotisation de user-0",
    "10:02:30 le système: Écriture passée : règlement reçu | nœud Lightning: débit 10 000 sats | cagnotte du groupe (tour c1): crédit 10 000 sats | → écriture n° 1",
    "10:03:30 plateforme: Demande de paiement adressée au payeur | → cotisation de user-1",
    "10:04:00 Lightning: Reçu 10 000 sats : la complète | → cotisation de user-1",
    "10:04:00 le système: Payée en totalité | → cotisation de user-1",
    "10:04:00 le système: Écriture passée : règlement reçu | nœud Lightning: débit 10 000 sats | cagnotte du groupe (tour c1): crédit 10 000 sats | → écriture n° 2",
    "10:05:00 le système: Tour prêt : cotisations réglées, 2 sur 2",
]
PAID = [
    "10:06:00 plateforme: Destination du bénéficiaire enregistrée : Lightning | Nature: facture Lightning (BOLT11)",
    "10:07:00 plateforme: Paiement demandé : 20 000 sats | Vers: Moyen de paiement Lightning Nature facture Lightning (BOLT11) | → paiement n° 1",
    "10:07:00 plateforme: Montant arrêté et bloqué : 19 800 sats pour le bénéficiaire, commission 200 sats | Valeur pour le bénéficiaire: 1 584 F CFA | Cours: 8 000 000 F CFA / BTC | → paiement n° 1",
    "10:07:00 le système: Écriture passée : blocage de fonds | cagnotte du groupe (tour c1): débit 20 000 sats | en transit: crédit 20 000 sats | → écriture n° 3",
    "10:08:00 le système: Tentative 1 : ordre enregistré | Référence: … | Montant: 19 800 sats | Payable jusqu’au: 01/01/2100 00:10 | → paiement n° 1",
    "10:08:00 Lightning: Envoyé à Lightning : 19 800 sats",
    "10:08:02 le système: Fin de la tentative 1 : payé | Preuve (préimage): … | Coût: 1,500 sats | → paiement n° 1",
    "10:08:02 le système: Le bénéficiaire est payé | → paiement n° 1",
    "10:08:02 le système: Écriture passée : paiement | en transit: débit 20 000 sats | nœud Lightning: crédit 19 801,500 sats | frais de routage: débit 1,500 sats | produits de commission: crédit 100 sats | fonds communautaire: crédit 40 sats | dû au partenaire (Wave): crédit 60 sats | → écriture n° 4",
    "10:08:02 le système: Commission prélevée : 200 sats (16 F CFA) | Part de la plateforme: 100 sats | Part du fonds communautaire: 40 sats | Part du partenaire: 60 sats | Cours: 8 000 000 F CFA / BTC | → commission n° 1",
]


def test_paid_cycle_is_shown_in_order_from_its_creation_to_its_fee(story: Story) -> None:
    story.paid_cycle()

    assert lines_of("cycle:c1") == READY + PAID


def test_paid_cycle_is_shown_in_english(story: Story) -> None:
    story.paid_cycle()

    with translation.override("en"):
        assert lines_of("cycle:c1") == [
            "10:01:00 plateforme: Cycle created: 2 contributions of 10 000 sats, the winner is user-0 | Group: medina | Index: 1",
            "10:02:00 plateforme: The payer is asked for the money | → contribution of user-0",
            "10:02:30 lightning: Received 10 000 sats: completes it | → contribution of user-0",
            "10:02:30 the system: Paid in full | → contribution of user-0",
            "10:02:30 the system: Booked: receipt | node: debit 10 000 sats | group pot (cycle c1): credit 10 000 sats | → transaction 1",
            "10:03:30 plateforme: The payer is asked for the money | → contribution of user-1",
            "10:04:00 lightning: Received 10 000 sats: completes it | → contribution of user-1",
            "10:04:00 the system: Paid in full | → contribution of user-1",
            "10:04:00 the system: Booked: receipt | node: debit 10 000 sats | group pot (cycle c1): credit 10 000 sats | → transaction 2",
            "10:05:00 the system: The cycle is ready: contributions settled, 2 of 2",
            "10:06:00 plateforme: The winner's destination is set: lightning | Kind: bolt11",
            "10:07:00 plateforme: Payment ordered: 20 000 sats | To: Rail lightning Kind bolt11 | → disbursement 1",
            "10:07:00 plateforme: Amount fixed and held: 19 800 sats for the recipient, fee 200 sats | Worth to the recipient: 1 584 F CFA | Exchange rate: 8 000 000 F CFA / BTC | → disbursement 1",
            "10:07:00 the system: Booked: hold | group pot (cycle c1): debit 20 000 sats | in transit: credit 20 000 sats | → transaction 3",
            "10:08:00 the system: Attempt 1: order committed | Reference: … | Amount: 19 800 sats | Payable until: 01/01/2100 00:10 | → disbursement 1",
            "10:08:00 lightning: Sent to lightning: 19 800 sats",
            "10:08:02 the system: Attempt 1 ended: paid | Proof (preimage): … | Cost: 1.500 sats | → disbursement 1",
            "10:08:02 the system: The recipient is paid | → disbursement 1",
            "10:08:02 the system: Booked: payment | in transit: debit 20 000 sats | node: credit 19 801.500 sats | routing expense: debit 1.500 sats | platform fee income: credit 100 sats | community fund: credit 40 sats | partner reserve (wave): credit 60 sats | → transaction 4",
            "10:08:02 the system: Fee charged: 200 sats (16 F CFA) | Share of the platform: 100 sats | Share of the community fund: 40 sats | Share of the partner: 60 sats | Exchange rate: 8 000 000 F CFA / BTC | → fee 1",
        ]


def test_retried_payment_is_shown_as_it_happened(story: Story) -> None:
    story.ready_cycle()
    story.set_destination("awa")
    story.node.script.append(
        Refused(reason="incorrect_payment_details", failure=FailureClass.FINAL, evidence={"hops": 2})
    )
    payout_id = story.order()
    story.run()
    # No send of its order can leave any more: the provider is asked about it once more.
    story.run(30)
    retry_payout(payout_id=payout_id, user=story.awa, reason="nouvelle facture", now=story.step()())
    story.run()

    assert lines_of(f"disbursement:{payout_id}")[3:] == [
        "10:08:00 le système: Tentative 1 : ordre enregistré | Référence: … | Montant: 19 800 sats | Payable jusqu’au: 01/01/2100 00:10",
        "10:08:00 Lightning: Envoyé à Lightning : 19 800 sats",
        "10:08:02 le système: Fin de la tentative 1 : détails de paiement refusés par le destinataire | Éléments constatés: Afficher Hops 2",
        "10:08:02 le système: Le paiement a échoué | détails de paiement refusés par le destinataire",
        "10:09:32 awa: Paiement relancé | nouvelle facture",
        "10:10:32 le système: Tentative 2 : ordre enregistré | Référence: … | Montant: 19 800 sats | Payable jusqu’au: 01/01/2100 00:10",
        "10:10:32 Lightning: Envoyé à Lightning : 19 800 sats",
        "10:10:34 le système: Fin de la tentative 2 : payé | Preuve (préimage): … | Coût: 1,500 sats",
        "10:10:34 le système: Le bénéficiaire est payé",
        "10:10:34 le système: Écriture passée : paiement | en transit: débit 20 000 sats | nœud Lightning: crédit 19 801,500 sats | frais de routage: débit 1,500 sats | produits de commission: crédit 100 sats | fonds communautaire: crédit 40 sats | dû au partenaire (Wave): crédit 60 sats | → écriture n° 4",
        "10:10:34 le système: Commission prélevée : 200 sats (16 F CFA) | Part de la plateforme: 100 sats | Part du fonds communautaire: 40 sats | Part du partenaire: 60 sats | Cours: 8 000 000 F CFA / BTC | → commission n° 1",
    ]


def test_payment_that_two_people_decide_is_shown_as_it_happened(story: Story) -> None:
    story.ready_cycle()
    expires_at = story.watch() + timedelta(hours=1)
    set_destination(
        cycle_id="c1", destination=invoice("awa", NET_SATS, expires_at=expires_at), actor=story.platform,
        now=story.step()(),
    )  # fmt: skip
    story.node.script.append(SEEN)
    payout_id = story.order()
    story.run()
    story.node.finds.append(GONE)
    story.run(15)
    proposal = propose_resolution(
        disbursement_id=payout_id, verdict=ResolutionVerdict.PAID, explanation="son portefeuille la montre",
        proposer=story.awa, now=story.step()(), proof=proof_of("awa", NET_SATS), cost=1_500,
    )  # fmt: skip
    story.approve(proposal)

    assert lines_of(f"disbursement:{payout_id}")[4:] == [
        "10:08:00 Lightning: Envoyé à Lightning : 19 800 sats",
        "10:08:02 Lightning: Réponse à l’envoi : en cours",
        "10:08:02 le système: Tentative 1 : le fournisseur a reçu l’ordre, paiement en cours",
        "10:08:17 Lightning: Réponse à une interrogation : inconnu du nœud | Éléments constatés: Afficher Code NOT_FOUND Source node",
        "10:08:17 le système: Paiement mis à l’examen : une personne doit s’en occuper | Le paiement était en route. Notre nœud ne le connaît plus, ou un autre nœud répond à sa place. Il a pu être payé malgré tout.",
        "10:09:17 awa: Proposé : Constater l’issue inconnue d’un paiement | son portefeuille la montre | → proposition n° 1",
        "10:10:17 moussa: Approuvé : Constater l’issue inconnue d’un paiement | → proposition n° 1",
        "10:10:17 moussa: Décision de deux personnes sur la tentative 1 : payé | → proposition n° 1",
        "10:10:17 le système: Fin de la tentative 1 : payée, par décision de deux personnes | Preuve (préimage): … | Coût: 1,500 sats | Éléments constatés: Afficher Code NOT_FOUND Source node",
        "10:10:17 le système: Le bénéficiaire est payé",
        "10:10:17 le système: Écriture passée : paiement | en transit: débit 20 000 sats | nœud Lightning: crédit 19 801,500 sats | frais de routage: débit 1,500 sats | produits de commission: crédit 100 sats | fonds communautaire: crédit 40 sats | dû au partenaire (Wave): crédit 60 sats | → écriture n° 4",
        "10:10:17 le système: Commission prélevée : 200 sats (16 F CFA) | Part de la plateforme: 100 sats | Part du fonds communautaire: 40 sats | Part du partenaire: 60 sats | Cours: 8 000 000 F CFA / BTC | → commission n° 1",
    ]


def test_reversed_and_reopened_cycle_is_shown_as_it_happened(story: Story) -> None:
    payout_id = story.paid_cycle()
    proposal = propose_reversal(
        disbursement_id=payout_id, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0",
        explanation="vu sur le relevé", proposer=story.awa, now=story.step()(),
    )  # fmt: skip
    story.approve(proposal)
    story.approve(
        propose_reopening(cycle_id="c1", reason="autre portefeuille", proposer=story.awa, now=story.step()())
    )
    story.set_destination("awa-2")
    story.order()

    assert lines_of("cycle:c1")[20:] == [
        "10:09:02 awa: Proposé : Comptabiliser le retour d’un paiement | vu sur le relevé | → proposition n° 1",
        "10:10:02 moussa: Approuvé : Comptabiliser le retour d’un paiement | → proposition n° 1",
        "10:10:02 moussa: Commission rendue : 200 sats | Commission prélevée: 1 | Annulation: 2 | → proposition n° 1",
        "10:10:02 moussa: Retour de l’argent comptabilisé : ligne bancaire | Référence du retour: … | Montant: 19 800 sats | → proposition n° 1",
        "10:10:02 le système: Écriture passée : retour de paiement | portefeuille on-chain: débit 19 800 sats | cagnotte du groupe (tour c1): crédit 20 000 sats | produits de commission: débit 100 sats | fonds communautaire: débit 40 sats | dû au partenaire (Wave): débit 60 sats | → écriture n° 5",
        "10:11:02 awa: Proposé : Rouvrir un tour dont le paiement a été retourné | autre portefeuille | → proposition n° 2",
        "10:12:02 moussa: Approuvé : Rouvrir un tour dont le paiement a été retourné | → proposition n° 2",
        "10:12:02 moussa: Tour rouvert : il peut être payé de nouveau | Paiement: 1 | → proposition n° 2",
        "10:13:02 plateforme: Destination du bénéficiaire enregistrée : Lightning | Nature: facture Lightning (BOLT11)",
        "10:14:02 plateforme: Paiement demandé : 20 000 sats | Vers: Moyen de paiement Lightning Nature facture Lightning (BOLT11) | → paiement n° 2",
        "10:14:02 plateforme: Montant arrêté et bloqué : 19 800 sats pour le bénéficiaire, commission 200 sats | Valeur pour le bénéficiaire: 1 584 F CFA | Cours: 8 000 000 F CFA / BTC | → paiement n° 2",
        "10:14:02 le système: Écriture passée : blocage de fonds | cagnotte du groupe (tour c1): débit 20 000 sats | en transit: crédit 20 000 sats | → écriture n° 6",
    ]


def test_cycle_closed_short_is_shown_as_it_happened(story: Story) -> None:
    story.begin_cycle()
    story.pay("user-0")
    story.approve(
        propose_short_closing(
            cycle_id="c1", reason="user-1 est parti", proposer=story.awa, now=story.step()()
        )
    )

    assert lines_of("cycle:c1")[5:] == [
        "10:03:30 awa: Proposé : Clore un tour incomplet | user-1 est parti | → proposition n° 1",
        "10:04:30 moussa: Approuvé : Clore un tour incomplet | → proposition n° 1",
        "10:04:30 moussa: Tour clos par anticipation et prêt : cotisations réglées, 1 sur 2 | → proposition n° 1",
    ]


def test_exchanged_winner_is_shown_as_it_happened(story: Story) -> None:
    story.ready_cycle()
    refused = propose_exchange(
        cycle_id="c1",
        winner_user_id="user-1",
        reason="accord du groupe",
        proposer=story.awa,
        now=story.step()(),
    )
    reject(proposal_id=refused.pk, approver=story.moussa, reason="accord non signé", now=story.step()())
    proposal = propose_exchange(
        cycle_id="c1", winner_user_id="user-1", reason="accord signé", proposer=story.awa, now=story.step()()
    )
    story.approve(proposal)

    assert lines_of("cycle:c1")[10:] == [
        "10:06:00 awa: Proposé : Donner le tour à un autre membre | accord du groupe | → proposition n° 1",
        "10:07:00 moussa: Refusé : Donner le tour à un autre membre | accord non signé | → proposition n° 1",
        "10:08:00 awa: Proposé : Donner le tour à un autre membre | accord signé | → proposition n° 2",
        "10:09:00 moussa: Approuvé : Donner le tour à un autre membre | → proposition n° 2",
        "10:09:00 moussa: Le tour passe à user-1, à la place de user-0 | Rang: 1 | → proposition n° 2",
    ]


def test_refund_of_a_cancelled_cycle_is_shown_as_it_happened(story: Story) -> None:
    story.ready_cycle()
    story.approve(
        propose_cancellation(cycle_id="c1", reason="groupe dissous", proposer=story.awa, now=story.step()())
    )
    story.approve(
        propose_refund(
            user_id="user-1", amount_sats=10_000, destination=invoice("user-1", 10_000), reason="elle est partie",
            proposer=story.awa, now=story.step()(),
        )
    )  # fmt: skip
    story.run()
    refund = Refund.objects.get()
    assert (refund.requested_by, refund.reason) == ("awa", "elle est partie")

    assert lines_of(f"refund:{refund.pk}") == [
        "10:09:00 moussa: Paiement demandé : 10 000 sats | Proposé par: awa : « elle est partie » | Vers: Moyen de paiement Lightning Nature facture Lightning (BOLT11) | → proposition n° 2",
        "10:09:00 moussa: Montant arrêté et bloqué : 10 000 sats pour le bénéficiaire, commission 0 sats | Proposé par: awa : « elle est partie » | → proposition n° 2",
        "10:09:00 le système: Écriture passée : blocage de fonds | avoir d’un membre (membre user-1): débit 10 000 sats | en transit: crédit 10 000 sats | → écriture n° 5",
        "10:10:00 le système: Tentative 1 : ordre enregistré | Référence: … | Montant: 10 000 sats | Payable jusqu’au: 01/01/2100 00:10 | → paiement n° 1",
        "10:10:00 Lightning: Envoyé à Lightning : 10 000 sats",
        "10:10:02 le système: Fin de la tentative 1 : payé | Preuve (préimage): … | Coût: 1,500 sats | → paiement n° 1",
        "10:10:02 le système: Le bénéficiaire est payé | → paiement n° 1",
        "10:10:02 le système: Écriture passée : paiement | en transit: débit 10 000 sats | nœud Lightning: crédit 10 001,500 sats | frais de routage: débit 1,500 sats | → écriture n° 6",
    ]


def test_second_choice_is_shown_as_it_happened(story: Story) -> None:
    story.ready_cycle()
    story.set_destination("awa", invoice("awa-second", NET_SATS))
    story.node.script.append(Refused(reason="incorrect_payment_details", failure=FailureClass.FINAL))
    payout_id = story.order()
    story.run()
    story.run(31)

    assert lines_of(f"disbursement:{payout_id}") == [
        "10:07:00 plateforme: Paiement demandé : 20 000 sats | Objet: tour c1 | Vers: Moyen de paiement Lightning Nature facture Lightning (BOLT11) | Ou vers: Moyen de paiement Lightning Nature facture Lightning (BOLT11)",
        "10:07:00 plateforme: Montant arrêté et bloqué : 19 800 sats pour le bénéficiaire, commission 200 sats | Valeur pour le bénéficiaire: 1 584 F CFA | Cours: 8 000 000 F CFA / BTC",
        "10:07:00 le système: Écriture passée : blocage de fonds | cagnotte du groupe (tour c1): débit 20 000 sats | en transit: crédit 20 000 sats | → écriture n° 3",
        "10:08:00 le système: Tentative 1 : ordre enregistré | Référence: … | Montant: 19 800 sats | Payable jusqu’au: 01/01/2100 00:10",
        "10:08:00 Lightning: Envoyé à Lightning : 19 800 sats",
        "10:08:02 le système: Fin de la tentative 1 : détails de paiement refusés par le destinataire",
        "10:08:02 le système: Destination abandonnée : détails de paiement refusés par le destinataire ; l’autre est essayée",
        "10:08:33 le système: Tentative 2 : ordre enregistré | Référence: … | Montant: 19 800 sats | Payable jusqu’au: 01/01/2100 00:10",
        "10:08:33 Lightning: Envoyé à Lightning : 19 800 sats",
        "10:08:35 le système: Fin de la tentative 2 : payé | Preuve (préimage): … | Coût: 1,500 sats",
        "10:08:35 le système: Le bénéficiaire est payé",
        "10:08:35 le système: Écriture passée : paiement | en transit: débit 20 000 sats | nœud Lightning: crédit 19 801,500 sats | frais de routage: débit 1,500 sats | produits de commission: crédit 100 sats | fonds communautaire: crédit 40 sats | dû au partenaire (Wave): crédit 60 sats | → écriture n° 4",
        "10:08:35 le système: Commission prélevée : 200 sats (16 F CFA) | Part de la plateforme: 100 sats | Part du fonds communautaire: 40 sats | Part du partenaire: 60 sats | Cours: 8 000 000 F CFA / BTC | → commission n° 1",
    ]


def test_erased_member_is_shown_as_it_happened(story: Story) -> None:
    proposal = propose_erasure(
        user_id="user-1", reason="demande écrite", proposer=story.awa, now=story.step()()
    )
    story.approve(proposal)

    assert lines_of("member:user-1") == [
        "10:02:00 moussa: Nom, téléphone et destinations effacés | Proposé par: awa : « demande écrite » | → proposition n° 1",
    ]


def test_provider_switched_off_and_on_is_shown_as_it_happened(story: Story) -> None:
    switch_off(
        provider="lightning", actor=Actor.of(story.awa), reason="nœud en maintenance", now=story.step()()
    )
    story.approve(
        propose(
            kind="provider_switch_on", subject_id="lightning", proposer=story.awa, reason="nœud relancé",
            now=story.step()(),
        )
    )  # fmt: skip

    assert lines_of("rail:lightning", "provider_switch_on:lightning") == [
        "10:01:00 awa: Désactivé : plus rien n’est envoyé ni demandé | nœud en maintenance",
        "10:02:00 awa: Proposé : Remettre un fournisseur en service | nœud relancé | → proposition n° 1",
        "10:03:00 moussa: Approuvé : Remettre un fournisseur en service | → proposition n° 1",
        "10:03:00 moussa: Rétabli | → proposition n° 1",
    ]


def test_manual_rate_is_shown_as_it_happened(story: Story) -> None:
    proposal = propose_manual_rate(
        rate_xof_per_btc=Decimal(66_000_000), reason="sources muettes", proposer=story.awa, now=story.step()()
    )
    approve_manual_rate(proposal=proposal, approver=story.moussa, now=story.step()())

    assert lines_of(f"manual_rate:{proposal.subject_id}") == [
        "10:01:00 awa: Proposé : Enregistrer un cours manuel | sources muettes | → proposition n° 1",
        "10:02:00 moussa: Approuvé : Enregistrer un cours manuel | → proposition n° 1",
        "10:02:00 moussa: Cours manuel en vigueur : 66 000 000 F CFA / BTC | → proposition n° 1",
    ]


def test_limit_is_shown_as_it_happened(story: Story) -> None:
    story.approve(
        propose_limit(
            kind="per_payout", amount_sats=500_000, reason="groupes plus grands", proposer=story.awa,
            now=story.step()(),
        )
    )  # fmt: skip

    assert lines_of("payment_limit:per_payout") == [
        "10:01:00 awa: Proposé : Fixer un plafond des sorties d’argent | groupes plus grands | → proposition n° 1",
        "10:02:00 moussa: Approuvé : Fixer un plafond des sorties d’argent | → proposition n° 1",
        "10:02:00 moussa: Plafond en vigueur : 500 000 sats au lieu de 10 000 000 sats | Version: 2 | → proposition n° 1",
    ]


def test_fee_schedule_is_shown_as_it_happened(story: Story) -> None:
    draft = FeeScheduleDraft.objects.create(
        author=story.awa, created_at=NOW, effective_at=NOW + timedelta(days=30), note="moins cher"
    )
    FeeBracketDraft.objects.create(draft=draft, from_sats=0, base_rate_ppm=8_000)
    proposal = propose_schedule(draft_id=draft.pk, proposer=story.awa, now=story.step()())
    story.approve(proposal)

    assert lines_of(f"fee_schedule:{draft.pk}") == [
        "10:01:00 awa: Proposé : Publier un barème | → proposition n° 1",
        "10:02:00 moussa: Approuvé : Publier un barème | → proposition n° 1",
        "10:02:00 moussa: Barème publié, version 2 | → proposition n° 1",
    ]


def test_timeline_is_read_in_a_fixed_number_of_queries(
    story: Story, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    story.paid_cycle()

    with django_assert_num_queries(QUERIES):
        timeline_of(("cycle:c1",))


def test_timeline_of_a_second_paid_cycle_costs_as_much(
    story: Story, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """What other tours have does not count, nor how often this one was paid."""
    story.paid_cycle()
    story.begin_cycle("c2", index=2)
    story.pay("user-0", "c2")

    with django_assert_num_queries(QUERIES):
        timeline_of(("cycle:c1",))


def test_only_the_newest_lines_are_shown_with_a_link_to_the_rest(story: Story) -> None:
    changes = [
        TrailFact("user:awa", "change_password", Actor.of(story.awa), story.step(1)())
        for _ in range(LINES_SHOWN + 2)
    ]
    record_all(changes)

    shown = timeline_of(["user:awa"])

    written = list(TrailEntry.objects.order_by("pk").values_list("pk", flat=True))
    assert [line.key for line in shown.lines] == written[2:]
    assert shown.earlier == "/admin/core/trailentry/?q=user%3Aawa"


def test_timeline_that_is_whole_has_no_link_to_the_rest(story: Story) -> None:
    story.begin_cycle()

    assert timeline_of(["cycle:c1"]).earlier == ""


def test_lines_of_one_moment_keep_the_order_in_which_they_were_written(story: Story) -> None:
    for action in ("edit_user", "change_password", "add_user"):
        record(subject="user:awa", action=action, actor=Actor.of(story.awa), at=NOW)

    assert lines_of("user:awa") == [
        "10:00:00 awa: Compte modifié", "10:00:00 awa: Mot de passe changé", "10:00:00 awa: Compte créé",
    ]  # fmt: skip
