from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency


class RailLiquidity(models.Model):
    """What a rail could send when it was last looked at, which pages and metrics read instead of the provider.

    `seen_at` is the last look. If the rail was unavailable, `failure_code` and `failure_facts` are why, and the amounts
    are still those of `known_at`. `unusable` is a list of references with their `amount`.

    `provider_amount` is what the provider held for us at `balance_at`, `booked_amount` what the books had then, and
    `difference_amount` by how much the provider had more (or less: negative) beyond what is explained by payments
    under way; since `differs_since` every comparison found a difference. Units: `currency`, the currency of the
    rail's account.

    For the next look: `under_way` are the attempts that were open at `known_at`, `missed` those whose payments were to
    be released while a worker had claimed them. Until `looking_until` nobody else looks.
    """

    rail = models.CharField(_("rail"), max_length=30, primary_key=True)
    currency = models.CharField(_("currency"), max_length=4, blank=True, default="")
    total = models.BigIntegerField(_("can be sent"), null=True)
    largest = models.BigIntegerField(_("in one payment at most"), null=True)
    unusable = models.JSONField(_("cannot be used now"), default=list)
    known_at = models.DateTimeField(_("known at"), null=True)
    seen_at = models.DateTimeField(_("looked at"), null=True)
    failure_code = models.CharField(_("failure code"), max_length=80, blank=True)
    failure_facts = models.JSONField(_("failure facts"), default=dict)
    under_way = models.JSONField(_("under way"), default=list)
    missed = models.JSONField(_("missed"), default=list)
    looking_until = models.DateTimeField(_("looking until"), null=True)
    provider_amount = models.BigIntegerField(_("provider reported"), null=True)
    booked_amount = models.BigIntegerField(_("books had"), null=True)
    difference_amount = models.BigIntegerField(_("difference"), null=True)
    balance_at = models.DateTimeField(_("compared at"), null=True)
    differs_since = models.DateTimeField(_("differs since"), null=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("rail in the treasury")
        verbose_name_plural = _("treasury")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                name="railliquidity_amounts_known_together",
                condition=Q(total=None, largest=None, known_at=None)
                | Q(
                    total__isnull=False, total__gte=0, largest__isnull=False,
                    largest__gte=0, known_at__isnull=False,
                ),
            ),
            # A comparison with NULL is unknown, which a CHECK accepts.
            models.CheckConstraint(
                name="railliquidity_unknown_has_reason",
                condition=Q(seen_at=None, known_at=None, failure_code="")
                | (Q(seen_at__isnull=False) & ~Q(failure_code=""))
                | Q(seen_at__isnull=False, known_at__isnull=False, known_at=F("seen_at"), failure_code=""),
            ),
            models.CheckConstraint(
                name="railliquidity_balances_known_together",
                condition=Q(
                    provider_amount=None, booked_amount=None, difference_amount=None,
                    balance_at=None,
                )
                | Q(
                    currency__in=[one.value for one in Currency], provider_amount__isnull=False,
                    booked_amount__isnull=False, difference_amount__isnull=False, balance_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="railliquidity_differs_since_a_moment",
                condition=Q(differs_since=None, difference_amount=None)
                | Q(differs_since=None, difference_amount__isnull=False, difference_amount=0)
                | (Q(differs_since__isnull=False, difference_amount__isnull=False) & ~Q(difference_amount=0)),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.rail

    @property
    def is_available(self) -> bool:
        """Return whether the last look had an answer."""
        return self.seen_at is not None and not self.failure_code

    @property
    def unusable_amount(self) -> int:
        """Return what cannot be used now, in all. Units: the rail's currency."""
        return sum(one["amount"] for one in self.unusable)
