"""Fee schedules: version 1, drafts, publication by a second person, the process cache."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from fees import queries, services
from fees.defaults import DEFAULT_TERMS, EPOCH
from fees.errors import (
    FeeScheduleDraftClosed,
    FeeScheduleDraftIncomplete,
    FeeScheduleDraftMissing,
    FeeScheduleEffectiveTooSoon,
    FeeScheduleMissing,
)
from fees.models import FeeBracket, FeeBracketDraft, FeeSchedule, FeeScheduleDraft
from fees.types import Bracket
from sunusav.core import approvals
from sunusav.core.actors import Actor
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, ProposalFactsChanged
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.roles import Role
from tests.fees.builders import ACTOR, LATER, NOW, draft, person, proposed, published, refused_as_append_only

pytestmark = pytest.mark.django_db


def test_version_1_as_migrated_is_the_default():
    assert queries.terms_of_row(FeeSchedule.objects.get(), schedule_id=0) == DEFAULT_TERMS


def test_schedule_before_any_version_is_missing():
    with pytest.raises(FeeScheduleMissing):
        queries.schedule_at(EPOCH - timedelta(seconds=1))


def test_publish_by_a_second_person_makes_an_immutable_version(finance, approver):
    row = draft(finance, (0, 10_000), (1_000_000, 5_000), maximum_fee_sats=50_000)

    schedule = published(row, finance, approver)

    assert (schedule.version, schedule.proposer, schedule.publisher) == (2, finance, approver)
    assert (schedule.published_at, schedule.effective_at, schedule.maximum_fee_sats) == (NOW, LATER, 50_000)
    assert [(b.position, b.from_sats, b.base_rate_ppm) for b in schedule.brackets.order_by("position")] == [
        (0, 0, 10_000),
        (1, 1_000_000, 5_000),
    ]
    row.refresh_from_db()
    assert row.state == "published"
    line = TrailEntry.objects.get(action="publish")
    assert (line.subject, line.actor, line.from_state, line.to_state) == (
        f"fee_schedule:{row.pk}", approver, "draft", "published",
    )  # fmt: skip
    assert line.facts == {"version": 2, "proposal": Proposal.objects.get().pk}


def test_published_version_counts_from_its_effective_date(finance, approver):
    published(draft(finance, (0, 8_000)), finance, approver)
    queries.forget_schedules()

    assert queries.schedule_at(LATER - timedelta(microseconds=1)).version == 1
    assert queries.schedule_at(LATER).version == 2


def test_newer_version_for_the_same_moment_replaces_the_older(finance, approver):
    published(draft(finance, (0, 8_000)), finance, approver)
    published(draft(finance, (0, 7_000)), finance, approver)
    queries.forget_schedules()

    assert queries.schedule_at(LATER).version == 3


def assert_nothing_published(row: FeeScheduleDraft) -> None:
    row.refresh_from_db()
    assert row.state == "draft"
    assert FeeSchedule.objects.count() == 1
    assert FeeBracket.objects.count() == 1


def test_publish_by_the_proposer_is_refused(db):
    both = person("chef", Role.FINANCE, Role.APPROVER)
    row = draft(both)
    proposal = proposed(row, both)

    with pytest.raises(ApproverIsProposer):
        approvals.approve(proposal_id=proposal.pk, approver=both, digest=proposal.digest, now=NOW)

    assert_nothing_published(row)


def test_publish_by_finance_is_refused(finance):
    row = draft(finance)
    proposal = proposed(row, finance)

    with pytest.raises(NotAllowedToDecide):
        approvals.approve(
            proposal_id=proposal.pk, approver=person("demba", Role.FINANCE), digest=proposal.digest, now=NOW
        )

    assert_nothing_published(row)


def test_publish_of_a_draft_edited_since_is_refused(finance, approver):
    row = draft(finance)
    proposal = proposed(row, finance)
    FeeBracketDraft.objects.filter(draft=row).update(base_rate_ppm=1)

    with pytest.raises(ProposalFactsChanged):
        approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)

    assert_nothing_published(row)


def test_publish_of_a_draft_edited_after_it_was_shown_is_refused(finance, approver):
    row = draft(finance)
    proposal = proposed(row, finance)
    FeeBracketDraft.objects.filter(draft=row).update(base_rate_ppm=1)

    with pytest.raises(ProposalFactsChanged) as refusal:
        services.publish_schedule(proposal, Actor.of(approver), NOW)

    assert refusal.value.facts == {"proposal_id": str(proposal.pk)}
    assert_nothing_published(row)


def test_publish_too_close_to_the_effective_date_is_refused(finance, approver):
    row = draft(finance)
    proposal = proposed(row, finance)
    late = LATER - timedelta(seconds=59)

    with pytest.raises(FeeScheduleEffectiveTooSoon) as refusal:
        approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=late)

    assert refusal.value.facts == {
        "draft_id": str(row.pk),
        "effective_at": LATER,
        "earliest_at": late + timedelta(seconds=60),
    }
    assert_nothing_published(row)


def test_publish_60_seconds_before_the_effective_date_is_accepted(finance, approver):
    schedule = published(draft(finance), finance, approver, now=LATER - timedelta(seconds=60))

    assert schedule.version == 2


def test_propose_a_draft_of_the_past_is_refused(finance):
    row = draft(finance, effective_at=NOW)

    with pytest.raises(FeeScheduleEffectiveTooSoon):
        proposed(row, finance)

    assert approvals.open_proposal("fee_schedule", str(row.pk)) is None


def test_propose_a_draft_without_a_bracket_from_zero_is_refused(finance):
    with pytest.raises(FeeScheduleDraftIncomplete):
        proposed(draft(finance, (1, 10_000)), finance)


def test_propose_an_unknown_draft_is_refused(finance):
    with pytest.raises(FeeScheduleDraftMissing):
        services.propose_schedule(draft_id=999_999, proposer=finance, now=NOW)


def test_propose_a_published_draft_again_is_refused(finance, approver):
    row = draft(finance)
    published(row, finance, approver)

    with pytest.raises(FeeScheduleDraftClosed) as refusal:
        proposed(row, finance)

    assert refusal.value.facts == {"draft_id": str(row.pk), "draft_state": "published"}


def test_discard_a_draft_closes_it_for_good(finance):
    row = draft(finance)

    services.discard_draft(draft_id=row.pk, actor=ACTOR, reason="not now", now=NOW)

    row.refresh_from_db()
    assert row.state == "discarded"
    with pytest.raises(FeeScheduleDraftClosed):
        proposed(row, finance)
    with pytest.raises(FeeScheduleDraftClosed):
        services.discard_draft(draft_id=row.pk, actor=ACTOR, reason="again", now=NOW)


@pytest.mark.parametrize("model", [FeeSchedule, FeeBracket])
def test_change_a_published_version_is_refused_by_the_database(model):
    table = model._meta.db_table

    with refused_as_append_only(table):
        model.objects.all().delete() if model is FeeBracket else model.objects.all()._raw_delete("default")
    with refused_as_append_only(table):
        model.objects.update(id=7)

    assert queries.published_versions()[0].brackets == (Bracket(0, 10_000),)


def test_add_a_bracket_to_a_published_version_is_refused_by_the_database():
    schedule = FeeSchedule.objects.get(version=1)

    with pytest.raises(DatabaseError, match="takes no more brackets"), transaction.atomic():
        FeeBracket.objects.create(schedule=schedule, position=1, from_sats=50_000, base_rate_ppm=1)

    assert schedule.brackets.count() == 1


def test_cached_schedule_needs_no_query(django_assert_num_queries):
    queries.schedule_at(NOW)

    with django_assert_num_queries(0):
        queries.quote(100_000, group_verified=True, user_recurring=False, at=NOW)


def test_cached_schedules_are_read_again_before_a_new_version_takes_effect(finance, approver):
    seconds = 0.0
    cache = queries.ScheduleCache(lambda: seconds)
    assert cache.at(LATER).version == 1
    published(draft(finance), finance, approver)

    seconds = 29.9
    assert cache.at(LATER).version == 1
    seconds = 30.0
    assert cache.at(LATER).version == 2
    assert queries.PUBLICATION_LEAD.total_seconds() >= queries.CACHE_LIFETIME_SECONDS * 2


def test_missing_schedule_is_not_cached(finance):
    cache = queries.ScheduleCache(lambda: 0.0)

    with pytest.raises(FeeScheduleMissing):
        cache.at(EPOCH - timedelta(days=1))

    assert cache.at(EPOCH).version == 1
