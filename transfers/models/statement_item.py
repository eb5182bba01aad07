"""What was matched with the lines of statements, and the differences until they are explained or resolved."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField, kept_while
from sunusav.core.models import FOUR_EYES, DecidedByTwo
from transfers.models.statement import DIGITS, PLACES, SOURCE_LENGTH, MatchingRule, StatementLine
from transfers.models.treasury import TreasuryMovement
from transfers.statement_enums import ItemCode, ItemReason, ItemState, MatchMethod

KEY_LENGTH = 80


class StatementItem(models.Model):
    """A difference between a source's statements and what was expected in them.

    `key` is the first expectation, or the line where nothing was expected; one item of a key is open at a time. `lines`
    are the keys of its lines, `expected` the keys of its expectations. Units: francs, exactly.
    """

    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    key = ExactCharField(_("key"), max_length=KEY_LENGTH)
    code = models.CharField(_("difference"), max_length=30, choices=ItemCode)
    state = models.CharField(_("state"), max_length=12, choices=ItemState, default=ItemState.OPEN)
    reference = ExactCharField(_("reference"), max_length=120, blank=True)
    subject = ExactCharField(_("subject"), max_length=120, blank=True)
    expected_xof = models.DecimalField(_("expected"), max_digits=DIGITS + 5, decimal_places=PLACES)
    found_xof = models.DecimalField(_("found"), max_digits=DIGITS + 5, decimal_places=PLACES)
    at_stake_xof = models.DecimalField(_("at stake"), max_digits=DIGITS + 5, decimal_places=PLACES)
    lines = models.JSONField(_("lines"), default=list)
    expected = models.JSONField(_("expected lines"), default=list)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("owner"),
    )
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    open_key = kept_while("key", ExactCharField(max_length=KEY_LENGTH, null=True), state=ItemState.OPEN.value)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("difference from a statement")
        verbose_name_plural = _("differences from statements")
        permissions = [
            ("assign_statement_item", "Can take, give and comment on a difference from a statement"),
            ("propose_statement_item", "Can propose how a difference from a statement is resolved"),
            ("approve_statement_item", "Can approve how a difference from a statement is resolved"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "opened_at"], name="statementitem_by_state"),
            models.Index(fields=["source", "state"], name="statementitem_by_source"),
            models.Index(fields=["code", "state"], name="statementitem_by_code"),
            models.Index(fields=["reference"], name="statementitem_by_reference"),
            models.Index(fields=["opened_at"], name="statementitem_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["open_key", "source"], name="statementitem_one_open_per_key"),
            models.CheckConstraint(name="statementitem_code_is_known", condition=Q(code__in=ItemCode.values)),
            models.CheckConstraint(
                name="statementitem_closed_when_not_open",
                condition=Q(state=ItemState.OPEN, closed_at=None)
                | Q(
                    state__in=[one.value for one in ItemState if one is not ItemState.OPEN],
                    closed_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="statementitem_at_stake_is_not_negative", condition=Q(at_stake_xof__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.code} {self.key}"


class StatementMatch(models.Model):
    """Lines of a source's statements that were matched with what was expected, and how. Append-only.

    `item` is the difference that it explained or resolved, if there was one. A resolution may have no lines, or nothing
    that was expected. Units: francs, exactly.
    """

    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    key = ExactCharField(_("key"), max_length=SOURCE_LENGTH + 1 + KEY_LENGTH)
    method = models.CharField(_("matched by"), max_length=20, choices=MatchMethod)
    rule = models.ForeignKey(
        MatchingRule, null=True, on_delete=models.RESTRICT, related_name="matches", verbose_name=_("rule")
    )
    item = models.ForeignKey(
        StatementItem,
        null=True,
        on_delete=models.RESTRICT,
        related_name="matches",
        verbose_name=_("difference"),
    )
    difference_xof = models.DecimalField(_("difference"), max_digits=DIGITS + 5, decimal_places=PLACES)
    matched_at = models.DateTimeField(_("matched at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("match with a statement")
        verbose_name_plural = _("matches with statements")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["key"], name="statementmatch_counts_once"),
            models.CheckConstraint(
                name="statementmatch_rule_is_named",
                condition=Q(method=MatchMethod.RULE, rule__isnull=False)
                | (
                    Q(method__in=[MatchMethod.REFERENCE, MatchMethod.SUM, MatchMethod.RESOLUTION])
                    & Q(rule__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="statementmatch_resolution_has_item",
                condition=~Q(method=MatchMethod.RESOLUTION) | Q(item__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.method}"


class MatchedLine(models.Model):
    """A line that is matched, or resolved: each once. Append-only."""

    match = models.ForeignKey(
        StatementMatch,
        on_delete=models.RESTRICT,
        related_name="lines",
        verbose_name=_("match with a statement"),
    )
    line = models.OneToOneField(
        StatementLine, on_delete=models.RESTRICT, related_name="matched", verbose_name=_("line")
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("matched line")
        verbose_name_plural = _("matched lines")

    def __str__(self) -> str:
        return f"{self.match_id}: {self.line_id}"


class MatchedExpectation(models.Model):
    """What was expected and is matched, or resolved: each once per source. Append-only. Units: francs, exactly."""

    match = models.ForeignKey(
        StatementMatch, on_delete=models.RESTRICT, related_name="expectations",
        verbose_name=_("match with a statement"),
    )  # fmt: skip
    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    key = ExactCharField(_("key"), max_length=KEY_LENGTH)
    amount_xof = models.DecimalField(_("amount"), max_digits=DIGITS, decimal_places=PLACES)
    subject = ExactCharField(_("subject"), max_length=120)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("matched expectation")
        verbose_name_plural = _("matched expectations")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["key", "source"], name="matchedexpectation_counts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.match_id}: {self.key}"


class ItemResolution(models.Model):
    """How one person proposes to close a difference. Append-only; only the newest of an item can be approved.

    A movement of the treasury is named where the correction was booked by one.
    """

    item = models.ForeignKey(
        StatementItem, on_delete=models.RESTRICT, related_name="resolutions", verbose_name=_("difference")
    )
    reason_code = models.CharField(_("why it is closed"), max_length=30, choices=ItemReason)
    movement = models.ForeignKey(
        TreasuryMovement, null=True, on_delete=models.RESTRICT, related_name="+",
        verbose_name=_("movement of the treasury"),
    )  # fmt: skip
    explanation = models.CharField(_("explanation"), max_length=500)
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposer")
    )
    proposed_at = models.DateTimeField(_("proposed at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("resolution of a difference")
        verbose_name_plural = _("resolutions of differences")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="itemresolution_names_its_movement",
                condition=Q(reason_code=ItemReason.BOOKED_AS_MOVEMENT, movement__isnull=False)
                | Q(
                    reason_code__in=[one for one in ItemReason if one is not ItemReason.BOOKED_AS_MOVEMENT],
                    movement__isnull=True,
                ),
            ),
            models.CheckConstraint(name="itemresolution_has_explanation", condition=~Q(explanation="")),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} {self.reason_code}"


class ResolvedItem(DecidedByTwo):
    """That two people closed a difference: who, by which proposal. Append-only."""

    resolution = models.OneToOneField(
        ItemResolution, on_delete=models.RESTRICT, related_name="resolved", verbose_name=_("resolution")
    )
    match = models.OneToOneField(
        StatementMatch, on_delete=models.RESTRICT, related_name="resolved",
        verbose_name=_("match with a statement"),
    )  # fmt: skip
    resolved_at = models.DateTimeField(_("resolved at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("resolved difference")
        verbose_name_plural = _("resolved differences")
        constraints: ClassVar[list[Any]] = [FOUR_EYES]

    def __str__(self) -> str:
        return f"resolution {self.resolution_id} by {self.proposer_id} and {self.approver_id}"
