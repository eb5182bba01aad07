"""Partners' statements as they were read, and what is kept to read and to match them."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sunusav.core.fields import ExactCharField
from transfers.statement_enums import AmountReading

# What a spreadsheet keeps of a number, and SQLite of a decimal.
DIGITS, PLACES = 15, 4
SOURCE_LENGTH, COLUMN_LENGTH, TEXT_LENGTH, REFERENCE_LENGTH = 30, 100, 300, 120


def _column(label: Any) -> models.CharField:  # type: ignore[type-arg]  # not subscriptable at run time
    return models.CharField(label, max_length=COLUMN_LENGTH, blank=True)


def _francs(label: Any, **given: Any) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(label, max_digits=DIGITS, decimal_places=PLACES, **given)


def _person(label: Any) -> models.ForeignKey:  # type: ignore[type-arg]
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.RESTRICT, related_name="+", verbose_name=label
    )


class StatementFormat(models.Model):
    """How the statements of one source are read, and how far amounts may differ. Append-only; the last version holds.

    Columns are named as the header row has them. Without an amount column, debit and credit have one each.
    """

    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    version = models.PositiveIntegerField(_("version"))
    reference_column = _column(_("column of the reference"))
    moment_column = _column(_("column of the day"))
    amount_column = _column(_("column of the amount"))
    debit_column = _column(_("column of the debit"))
    credit_column = _column(_("column of the credit"))
    cost_column = _column(_("column of the cost"))
    text_column = _column(_("column of the text"))
    amount_reading = models.CharField(_("amounts"), max_length=20, choices=AmountReading)
    encoding = models.CharField(_("encoding"), max_length=10)
    delimiter = models.CharField(_("delimiter"), max_length=1)
    decimal_mark = models.CharField(_("decimal mark"), max_length=1)
    thousands_mark = models.CharField(_("thousands mark"), max_length=1, blank=True)
    moment_format = models.CharField(_("format of the day"), max_length=30)
    header_row = models.PositiveSmallIntegerField(_("header row"), default=1)
    tolerance_xof = _francs(_("tolerance"), default=0)
    reason = models.CharField(_("reason"), max_length=500)
    saved_by = _person(_("saved by"))
    saved_at = models.DateTimeField(_("saved at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("format of statements")
        verbose_name_plural = _("formats of statements")
        permissions = [("save_statement_format", "Can save how statements are read and matched")]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["source", "version"], name="statementformat_version_used_once"),
            models.CheckConstraint(
                name="statementformat_amounts_have_columns",
                condition=(
                    Q(amount_reading=AmountReading.DEBIT_CREDIT, amount_column="")
                    & ~Q(debit_column="")
                    & ~Q(credit_column="")
                )
                | (
                    Q(amount_reading__in=[AmountReading.SIGNED, AmountReading.NEGATED])
                    & ~Q(amount_column="")
                    & Q(debit_column="", credit_column="")
                ),
            ),
            models.CheckConstraint(name="statementformat_day_has_column", condition=~Q(moment_column="")),
            models.CheckConstraint(
                name="statementformat_marks_differ", condition=~Q(decimal_mark=F("thousands_mark"))
            ),
            models.CheckConstraint(
                name="statementformat_tolerance_is_not_negative", condition=Q(tolerance_xof__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.version}"


class MatchingRule(models.Model):
    """By what lines and expectations without a common reference are matched. Append-only.

    The last version of a name holds, unless it is off. Rules apply in the order of their names.
    """

    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    name = models.CharField(_("name"), max_length=60)
    version = models.PositiveIntegerField(_("version"))
    tolerance_xof = _francs(_("tolerance"), default=0)
    days = models.PositiveSmallIntegerField(_("days apart"), default=0)
    text = models.CharField(_("text contains"), max_length=COLUMN_LENGTH, blank=True)
    is_on = models.BooleanField(_("is on"), default=True)
    reason = models.CharField(_("reason"), max_length=500)
    saved_by = _person(_("saved by"))
    saved_at = models.DateTimeField(_("saved at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("matching rule")
        verbose_name_plural = _("matching rules")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["source", "name", "version"], name="matchingrule_version_used_once"),
            models.CheckConstraint(
                name="matchingrule_tolerance_is_not_negative", condition=Q(tolerance_xof__gte=0)
            ),
            models.CheckConstraint(name="matchingrule_has_name", condition=~Q(name="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.source} {self.name} {self.version}"


class StatementImport(models.Model):
    """A file that was read as a statement of a source. Append-only; the same file is imported once.

    The statement covers the days from `since` to `through`, both included. `lines_new` are those that no earlier
    statement of the source had.
    """

    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    format = models.ForeignKey(
        StatementFormat, on_delete=models.RESTRICT, related_name="imports", verbose_name=_("format")
    )
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(_("digest of the file"), max_length=64)
    since = models.DateField(_("first day"))
    through = models.DateField(_("last day"))
    lines_read = models.PositiveIntegerField(_("lines read"))
    lines_new = models.PositiveIntegerField(_("new lines"))
    imported_by = _person(_("imported by"))
    imported_at = models.DateTimeField(_("imported at"))

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("imported statement")
        verbose_name_plural = _("imported statements")
        permissions = [("import_statement", "Can import a partner's statement")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["source", "id"], name="statementimport_by_source"),
            models.Index(fields=["imported_at"], name="statementimport_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["sha256", "source"], name="statementimport_file_read_once"),
            models.CheckConstraint(
                name="statementimport_days_are_in_order", condition=Q(through__gte=F("since"))
            ),
            models.CheckConstraint(
                name="statementimport_new_lines_were_read", condition=Q(lines_new__lte=F("lines_read"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.file_name}"


class StatementLine(models.Model):
    """A line of a statement, exactly as read. Append-only.

    `line_key` is a digest of source and content, and of how many equal lines stand before it in its file, so that
    statements whose days overlap have each line once. Units: francs, exactly; what leaves us is negative.
    """

    statement = models.ForeignKey(
        StatementImport, on_delete=models.RESTRICT, related_name="lines", verbose_name=_("imported statement")
    )
    source = models.CharField(_("source"), max_length=SOURCE_LENGTH)
    row_number = models.PositiveIntegerField(_("row"))
    reference = ExactCharField(_("reference"), max_length=REFERENCE_LENGTH, blank=True)
    amount_xof = _francs(_("amount"))
    cost_xof = _francs(_("cost"), null=True)
    happened_at = models.DateTimeField(_("happened at"))
    text = models.CharField(_("text"), max_length=TEXT_LENGTH, blank=True)
    line_key = models.CharField(_("digest of the line"), max_length=64)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("line of a statement")
        verbose_name_plural = _("lines of statements")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["reference"], name="statementline_by_reference"),
            models.Index(fields=["source", "id"], name="statementline_by_source"),
            models.Index(fields=["happened_at"], name="statementline_by_moment"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["line_key"], name="statementline_counts_once"),
            models.CheckConstraint(name="statementline_amount_is_not_zero", condition=~Q(amount_xof=0)),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id}:{self.row_number}"
