"""Rows that break the constraints of accounts, proposals and approvals."""

import secrets
from datetime import UTC, datetime, timedelta

from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core.actors import Actor
from sunusav.core.approvals import approve, propose
from sunusav.core.band_services import BandValue
from sunusav.core.band_services import band_request as band_request_of
from sunusav.core.models import (
    Approval,
    ApprovalBand,
    ApprovalBandRequest,
    Attachment,
    DailyFigure,
    Export,
    LookupToken,
    PersonKey,
    Proposal,
    SavedFilter,
    SecondFactorReset,
    StaffSession,
    TrailSeal,
)
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from sunusav.core.second_factor_resets import propose_reset
from sunusav.core.switches import pause_outgoing
from sunusav.core.trail import seal_trail
from tests.factories.bands import first_band, proposed_band, set_band
from tests.factories.users import make_session, make_user
from tests.support.constraints import Violation

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def daily_figure() -> DailyFigure:
    return DailyFigure.objects.create(series="test", day=NOW.date(), part="wave", value=1, computed_at=NOW)


def proposal() -> Proposal:
    pause_outgoing(actor=Actor.system("test"), reason="odd node", now=NOW)
    return propose(kind="outgoing_resume", subject_id="outgoing", proposer=make_user(Role.FINANCE), now=NOW)


def approval() -> Approval:
    proposed = proposal()
    return Approval.objects.create(
        proposal=proposed, proposer_id=proposed.proposer_id, approver=make_user(Role.APPROVER),
        digest=proposed.digest, is_approved=True, decided_at=NOW,
    )  # fmt: skip


def trail_seal() -> TrailSeal:
    proposal()
    seal_trail(now=NOW)
    return TrailSeal.objects.earliest("seq")


def person_key() -> PersonKey:
    seal("member:user-1", "Awa Ndiaye")
    return PersonKey.objects.get()


def lookup_token() -> LookupToken:
    return LookupToken.objects.create(subject="member:user-1", token="ab" * 16)


def staff_session() -> StaffSession:
    return make_session(make_user(), now=NOW)


def second_factor_reset() -> SecondFactorReset:
    """Reset the second factor of a third person, as its approval does."""
    person = make_user(Role.AUDITOR)
    TOTPDevice.objects.create(user=person, name="authenticator", confirmed=True)
    proposer, approver = make_user(Role.OPERATOR), make_user(Role.APPROVER)
    proposed = propose_reset(user_pk=person.pk, reason="lost", proposer=proposer, now=NOW)
    approve(proposal_id=proposed.pk, approver=approver, digest=proposed.digest, now=NOW)
    return SecondFactorReset.objects.get()


def another_reset(row: SecondFactorReset, **changes: int) -> dict[str, int]:
    return {"proposal_id": proposal().pk, **changes}


def export() -> Export:
    return Export.objects.create(
        requester=make_user(Role.AUDITOR), list_name="core.trailentry", file_format="csv", language="en",
        folder=secrets.token_hex(8), requested_at=NOW, worked_at=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip


OTHER_FOLDER = {"folder": "another"}


def band_request() -> ApprovalBandRequest:
    value = BandValue(kind="manual_rate", approvals_needed=2, currency="XOF", from_amount=5_000_000)
    for _ in range(2):
        make_user(Role.APPROVER)
    return band_request_of(proposed_band(value, now=NOW).subject_id)


def band() -> ApprovalBand:
    return set_band(BandValue(kind="manual_rate", approvals_needed=2), now=NOW)


def saved_filter() -> SavedFilter:
    return SavedFilter.objects.create(
        person=make_user(Role.FINANCE), list_name="core.proposal", name="open", query="state__exact=open",
        saved_at=NOW,
    )  # fmt: skip


def attachment() -> Attachment:
    return Attachment.objects.create(
        subject="settlement:7", name="statement.pdf", media_type="application/pdf", size_bytes=9, sha256="ab" * 32,
        stored_name=secrets.token_hex(32), added_by=make_user(Role.FINANCE), added_at=NOW,
    )  # fmt: skip


OTHER_CONTENT = {"sha256": "cd" * 32, "stored_name": "another"}
VIOLATIONS = [
    Violation("core_staffsession.session_id", staff_session, {}),
    Violation("core_secondfactorreset.proposal_id", second_factor_reset, {}),
    Violation(
        "secondfactorreset_four_eyes",
        second_factor_reset,
        lambda row: another_reset(row, approver_id=row.proposer_id),
    ),
    Violation(
        "secondfactorreset_of_a_third_person",
        second_factor_reset,
        lambda row: another_reset(row, approver_id=row.user_id),
    ),
    Violation(
        "secondfactorreset_of_a_third_person",
        second_factor_reset,
        lambda row: another_reset(row, proposer_id=row.user_id),
    ),
    Violation("user_service_is_not_staff", make_user, {"is_service": True, "is_staff": True}),
    Violation("core_user.username", make_user, {}),
    Violation("proposal_one_open_per_subject", proposal, {}),
    Violation("proposal_decided_when_not_open", proposal, {"state": "approved"}),
    Violation("proposal_decided_when_not_open", proposal, {"decided_at": NOW}),
    Violation("proposal_needs_an_approval", proposal, {"approvals_needed": 0}),
    Violation("proposal_outcome_seen_once_decided", proposal, {"outcome_seen_at": NOW}),
    Violation("approvalbandrequest_amount_has_currency", band_request, {"currency": ""}),
    Violation("approvalbandrequest_amount_has_currency", band_request, {"from_amount": -1}),
    Violation("approvalbandrequest_approvals_in_range", band_request, {"approvals_needed": 0}),
    Violation("approvalbandrequest_approvals_in_range", band_request, {"approvals_needed": 10}),
    Violation("approvalbandrequest_has_reason", band_request, {"reason": ""}),
    Violation("approvalband_version_once_per_band", first_band, {}),
    Violation("approvalband_amount_has_currency", band, {"from_amount": 1, "version": 2}),
    Violation("approvalband_approvals_in_range", band, {"approvals_needed": 0, "version": 2}),
    Violation("approvalband_approvals_in_range", band, {"approvals_needed": 10, "version": 2}),
    Violation("approvalband_set_by_two_people", band, {"proposal_id": None, "version": 2}),
    Violation("approvalband_set_by_two_people", band, lambda row: {"approver_id": row.proposer_id}),
    Violation("core_approvalband.request_id", band, lambda _: {"proposal_id": proposal().pk, "version": 2}),
    Violation(
        "core_approvalband.proposal_id", band, lambda _: {"request_id": band_request().pk, "version": 2}
    ),
    Violation("approvalband_set_by_two_people", first_band, {"kind": "manual_rate"}),
    Violation("approval_four_eyes", approval, lambda row: {"approver_id": row.proposer_id}),
    Violation("dailyfigure_one_per_part", daily_figure, {}),
    Violation("approval_one_per_approver", approval, {}),
    Violation("approval_rejection_has_reason", approval, {"is_approved": False}),
    Violation("core_trailseal.entry_id", trail_seal, lambda row: {"seq": row.seq + 1_000}),
    Violation("core_personkey.person_ref", person_key, {}),
    Violation("lookuptoken_once_per_subject", lookup_token, {}),
    Violation("core_export.folder", export, {}),
    Violation("export_ready_has_file", export, {**OTHER_FOLDER, "state": "ready"}),
    Violation("export_ready_has_file", export, {**OTHER_FOLDER, "ready_at": NOW}),
    Violation(
        "export_leased_while_preparing", export, {**OTHER_FOLDER, "state": "cancelled", "leased_until": NOW}
    ),
    Violation("export_failed_has_code", export, {**OTHER_FOLDER, "state": "failed"}),
    Violation("export_failed_has_code", export, {**OTHER_FOLDER, "failure_code": "export-stopped"}),
    Violation("export_expires_after_request", export, {**OTHER_FOLDER, "expires_at": NOW}),
    Violation("core_attachment.stored_name", attachment, {"subject": "settlement:8"}),
    Violation("attachment_content_once_per_subject", attachment, {"stored_name": "another"}),
    Violation("attachment_has_subject_and_name", attachment, {**OTHER_CONTENT, "name": ""}),
    Violation("attachment_has_subject_and_name", attachment, {**OTHER_CONTENT, "subject": ""}),
    Violation("attachment_media_type_is_known", attachment, {**OTHER_CONTENT, "media_type": "text/html"}),
    Violation("attachment_is_not_empty", attachment, {**OTHER_CONTENT, "size_bytes": 0}),
    Violation("attachment_hash_is_whole", attachment, {**OTHER_CONTENT, "sha256": "cd" * 31}),
    Violation("savedfilter_name_once_per_person_and_list", saved_filter, {}),
    Violation("savedfilter_has_name_and_filters", saved_filter, {"name": ""}),
    Violation("savedfilter_has_name_and_filters", saved_filter, {"name": "none", "query": ""}),
]
