from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from fees.calculations import BPS, PPM
from fees.enums import DraftState


class ScheduleRules(models.Model):
    """The rules of a fee schedule besides its brackets, for drafts and published versions."""

    effective_at = models.DateTimeField(_("effective at"))
    minimum_fee_sats = models.BigIntegerField(_("minimum fee"), default=1)
    maximum_fee_sats = models.BigIntegerField(_("maximum fee"), null=True, blank=True)
    verified_discount_bps = models.PositiveIntegerField(_("verified discount"), default=5_000)
    recurring_discount_bps = models.PositiveIntegerField(_("recurring discount"), default=2_500)
    platform_share_bps = models.PositiveIntegerField(_("platform share"), default=5_000)
    community_share_bps = models.PositiveIntegerField(_("community share"), default=2_000)
    override_cap_ppm = models.PositiveIntegerField(_("override cap"), default=10_000)

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="%(class)s_minimum_not_negative",
                condition=Q(minimum_fee_sats__gte=0),
            ),
            models.CheckConstraint(
                name="%(class)s_maximum_not_below_minimum",
                condition=Q(maximum_fee_sats__isnull=True) | Q(maximum_fee_sats__gte=F("minimum_fee_sats")),
            ),
            models.CheckConstraint(
                name="%(class)s_discounts_within_whole",
                condition=Q(verified_discount_bps__lte=BPS, recurring_discount_bps__lte=BPS),
            ),
            models.CheckConstraint(
                name="%(class)s_shares_within_whole",
                condition=LessThanOrEqual(F("platform_share_bps") + F("community_share_bps"), Value(BPS)),
            ),
            models.CheckConstraint(
                name="%(class)s_override_cap_within_whole",
                condition=Q(override_cap_ppm__lte=PPM),
            ),
        ]


class BracketRules(models.Model):
    """The base rate of payouts from this amount up to the next bracket; it applies to the whole payout."""

    from_sats = models.BigIntegerField(_("from"))
    base_rate_ppm = models.PositiveIntegerField(
        _("base rate"), help_text=_("Parts per million: 10000 is 1 %.")
    )

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(name="%(class)s_rate_within_whole", condition=Q(base_rate_ppm__lte=PPM)),
        ]


class FeeSchedule(ScheduleRules):
    """A published version. Append-only: triggers refuse updates and deletes, also of its brackets."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    bracket_count = models.PositiveSmallIntegerField(_("bracket count"))
    published_at = models.DateTimeField(_("published at"))
    draft = models.OneToOneField(
        "fees.FeeScheduleDraft",
        null=True,
        on_delete=models.RESTRICT,
        related_name="published_as",
        verbose_name=_("draft"),
    )
    proposal = models.OneToOneField(
        "core.Proposal", null=True, on_delete=models.RESTRICT, related_name="+", verbose_name=_("proposal")
    )
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("proposer"),
    )
    publisher = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        verbose_name=_("publisher"),
    )

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("fee schedule")
        verbose_name_plural = _("fee schedules")
        permissions = [
            ("propose_fee_schedule", "Can propose a fee schedule for publication"),
            ("publish_fee_schedule", "Can publish a fee schedule that somebody else proposed"),
            ("override_fee", "Can quote with another base rate"),
            ("project_revenue", "Can project a year's revenue"),
        ]
        constraints: ClassVar[list[Any]] = [
            *ScheduleRules.Meta.constraints,
            models.CheckConstraint(
                name="feeschedule_published_by_a_second_person",
                condition=Q(
                    version=1, draft__isnull=True, proposal__isnull=True, proposer__isnull=True,
                    publisher__isnull=True,
                )
                | (
                    Q(version__gt=1, draft__isnull=False, proposal__isnull=False, proposer__isnull=False,
                      publisher__isnull=False)
                    & ~Q(proposer=F("publisher"))
                ),
            ),
            models.CheckConstraint(
                name="feeschedule_effective_after_publication",
                condition=Q(effective_at__gte=F("published_at")),
            ),
            models.CheckConstraint(name="feeschedule_has_a_bracket", condition=Q(bracket_count__gte=1)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"version {self.version}"


class FeeBracket(BracketRules):
    """A bracket of a published version, inserted with it. Positions go from 0 to `bracket_count` - 1."""

    schedule = models.ForeignKey(
        FeeSchedule, on_delete=models.RESTRICT, related_name="brackets", verbose_name=_("schedule")
    )
    position = models.PositiveSmallIntegerField(_("position"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("fee bracket")
        verbose_name_plural = _("fee brackets")
        constraints: ClassVar[list[Any]] = [
            *BracketRules.Meta.constraints,
            models.UniqueConstraint(fields=["schedule", "position"], name="feebracket_position_once"),
            models.UniqueConstraint(fields=["schedule", "from_sats"], name="feebracket_start_once"),
            models.CheckConstraint(
                name="feebracket_first_starts_at_zero",
                condition=Q(position=0, from_sats=0) | Q(position__gt=0, from_sats__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"from {self.from_sats} sats: {self.base_rate_ppm} ppm"


class FeeScheduleDraft(ScheduleRules):
    """Edited by finance until a second person publishes it. Publishing copies it and closes the draft."""

    state = models.CharField(_("state"), max_length=12, choices=DraftState, default=DraftState.DRAFT)
    note = models.CharField(
        _("note"), max_length=500, blank=True, help_text=_("Why the rules should change.")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        default_permissions = ("add", "change", "view")
        verbose_name = _("fee schedule draft")
        verbose_name_plural = _("fee schedule drafts")
        constraints: ClassVar[list[Any]] = [
            *ScheduleRules.Meta.constraints,
            models.CheckConstraint(
                name="feescheduledraft_state_is_known", condition=Q(state__in=DraftState.values)
            ),
        ]

    def __str__(self) -> str:
        return f"draft {self.pk} ({self.state})"


class FeeBracketDraft(BracketRules):
    draft = models.ForeignKey(
        FeeScheduleDraft, on_delete=models.CASCADE, related_name="brackets", verbose_name=_("draft")
    )

    class Meta:
        verbose_name = _("bracket")
        verbose_name_plural = _("brackets")
        constraints: ClassVar[list[Any]] = [
            *BracketRules.Meta.constraints,
            models.UniqueConstraint(fields=["draft", "from_sats"], name="feebracketdraft_start_once"),
            models.CheckConstraint(name="feebracketdraft_start_not_negative", condition=Q(from_sats__gte=0)),
        ]

    def __str__(self) -> str:
        return f"from {self.from_sats} sats: {self.base_rate_ppm} ppm"
