"""Fill MariaDB or MySQL with copies of the rows that are there: as many as production has after years, in minutes.

Each copy has keys, references and subjects of its own, and happens some time after the one before. What there is only
once in production, such as an account without an owner, is not copied: all copies point to it.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from sunusav.core.app_modules import collect_mapping
from sunusav.core.subjects import known_kinds

# Rows of one table that a statement makes.
AT_ONCE = 50_000
A_SECOND = timedelta(seconds=1)
HASH_LENGTH = 64
# Beyond the keys of tables that are not copied.
FAR = 1_000
# What is encrypted for a person cannot be copied to another: the people that are copies are erased.
FIXED = {("core.PersonKey", "wrapped_key"): "NULL", ("core.PersonKey", "erased_at"): "o.created_at"}
# Texts that name another row, in the form `<kind>:<key>`.
SUBJECTS = {
    "subject",
    "owner",
    "holder",
    "debit_owner",
    "residue_owner",
    "credit_owner",
    "account_owner",
    "from_owner",
    "to_owner",
    "disbursement_ref",
}
# Texts that name a person, a group or another row without its kind.
NAMES = {
    "user_id", "winner_user_id", "group_ref", "winner_ref", "person_ref", "payee_ref",
}  # fmt: skip
# Texts of which one row at a time is open, by a generated column.
ONE_OPEN = {("transfers.StatementItem", "key")}
GROWING = (
    "core.TrailEntry", "core.TrailSeal", "core.OutboxMessage", "core.Proposal", "core.Approval", "core.LookupToken",
    "core.PersonKey", "fees.DiscountGrant",
    "fees.FeeAssessment", "fees.FeeRecord", "ledger.Account", "ledger.AccountCheckpoint", "ledger.JournalTransaction",
    "ledger.JournalEntry", "ledger.LedgerSeal", "ledger.CurrencyConversion", "ledger.ExchangeRate",
    "partners.InboundWebhook", "payouts.Group", "payouts.Member", "payouts.Cycle", "payouts.Contribution",
    "payouts.CycleReopening", "payouts.MemberErasure", "payouts.ProposedRefund", "payouts.Refund",
    "transfers.Disbursement", "transfers.DisbursementDestination", "transfers.PaymentOrder", "transfers.Attempt",
    "transfers.ProviderAnswer", "transfers.Collection", "transfers.Receipt", "transfers.CreditUse",
    "transfers.CreditTransferRequest", "transfers.IssuedReceipt", "transfers.ReceiptLink", "transfers.LimitUsage",
    "transfers.PastAdmission", "transfers.RailMatch", "transfers.RailMismatch", "transfers.ReturnClaim",
    "transfers.Reversal", "transfers.StatementImport", "transfers.StatementLine", "transfers.StatementItem",
    "transfers.StatementMatch", "transfers.MatchedLine", "transfers.MatchedExpectation", "transfers.ItemResolution",
    "transfers.ResolvedItem", "transfers.TreasuryMovement", "transfers.WithdrawalLink",
)  # fmt: skip


class Copies:
    """The rows of all tables that grow, to be copied as often as wanted; each copy happens `every` after the last."""

    def __init__(self, labels: Sequence[str] = GROWING, *, every: timedelta = A_SECOND) -> None:
        self.every = every
        found = [apps.get_model(label) for label in labels]
        self.models = [model for model in found if model._base_manager.exists()]
        self.strides = {model: _stride(model) for model in self.models}
        self.kept = {model: _kept(model) for model in self.models}
        self.at_once = max(1, AT_ONCE // max(model._base_manager.count() for model in self.models))
        # Read before the first copy: they grow with each.
        self.steps = {
            (model, name): _highest(model, name) for model in self.models for name in self._steps(model)
        }
        self.made = 0

    def make(self, copies: int) -> None:
        """Copy every row until there are `copies` of it."""
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0, SESSION unique_checks = 0")
            while self.made < copies:
                numbers = range(self.made + 1, min(self.made + self.at_once, copies) + 1)
                with transaction.atomic():
                    for model in self.models:
                        cursor.execute(self._statement(model, numbers))
                self.made = numbers[-1]
            cursor.execute("SET SESSION foreign_key_checks = 1, SESSION unique_checks = 1")
            for model in self.models:
                cursor.execute(f"ANALYZE TABLE {model._meta.db_table}")
                cursor.fetchall()

    def _statement(self, model: type[models.Model], numbers: range) -> str:
        columns = dict(self._columns(model))
        copies = " UNION ALL ".join(f"SELECT {number} AS n" for number in numbers)
        names = ", ".join(f"`{name}`" for name in columns)
        originals = f"(SELECT * FROM {model._meta.db_table} WHERE {self._originals(model)})"
        return (
            f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(columns.values())}"
            f" FROM {originals} AS o, ({copies}) AS c"
        )

    def _originals(self, model: type[models.Model]) -> str:
        pk: Any = model._meta.pk
        kept = f" AND {pk.column} NOT IN ({_listed(self.kept[model])})" if self.kept[model] else ""
        is_number = self._is_number(model)
        original = f"{pk.column} <= {self.strides[model]}" if is_number else f"{pk.column} NOT LIKE '%~%'"
        return original + kept

    def _is_number(self, model: type[models.Model]) -> bool:
        return self.strides[model] > 0

    def _columns(self, model: type[models.Model]) -> Iterator[tuple[str, str]]:
        """Yield each stored column with the SQL expression of its copy."""
        label = model._meta.label
        changed = self._changed_by_constraints(model) | {name for one, name in ONE_OPEN if one == label}
        for field in model._meta.concrete_fields:
            if not field.generated:
                fixed = FIXED.get((label, field.name))
                copied = self._copied(model, field, is_changed=field.name in changed)
                yield str(field.column), fixed or copied

    def _copied(self, model: type[models.Model], field: Any, *, is_changed: bool) -> str:
        column = f"o.`{field.column}`"
        pointed = model if field.primary_key and not field.remote_field else field.related_model
        if pointed in self.strides:
            return self._moved(pointed, column)
        if isinstance(field, models.DateTimeField):
            return f"{column} + INTERVAL c.n * {int(self.every.total_seconds())} SECOND"
        if renamed := self._renamed(field, column):
            return renamed
        if isinstance(field, models.IntegerField) and is_changed:
            return f"{column} + c.n * {self.steps[model, field.name]}"
        return _changed(field, column) if is_changed else column

    def _renamed(self, field: Any, column: str) -> str:
        """Return the copied name of a column that names a row without a foreign key; nothing for others."""
        if field.name in SUBJECTS:
            return self._renamed_subject(column)
        if field.name == "subject_id":
            return self._renamed_key(column)
        return f"IF({column} = '', '', CONCAT({column}, '~', c.n))" if field.name in NAMES else ""

    def _moved(self, model: type[models.Model], column: str) -> str:
        moved = (
            f"{column} + c.n * {self.strides[model]}"
            if self._is_number(model)
            else f"CONCAT({column}, '~', c.n)"
        )
        if self.kept[model]:
            return f"IF({column} IN ({_listed(self.kept[model])}), {column}, {moved})"
        return moved

    def _renamed_subject(self, column: str) -> str:
        """Return the subject of the copied row: its key moves as the keys of its model do."""
        pages = {kind: apps.get_model(one.page) for kind, one in known_kinds().items() if one.page}
        cases = "".join(
            f" WHEN {column} LIKE '{kind}:%' THEN"
            f" CONCAT('{kind}:', SUBSTRING({column}, {len(kind) + 2}) + c.n * {self.strides[model]})"
            for kind, model in pages.items()
            if model in self.strides and self._is_number(model)
        )
        return f"CASE WHEN {column} = '' THEN ''{cases} ELSE CONCAT({column}, '~', c.n) END"

    def _renamed_key(self, column: str) -> str:
        """Return the key of what a copied proposal is about: it moves as the keys of its kind's page do."""
        cases = "".join(
            f" WHEN o.kind = '{kind}' THEN {column} + c.n * {self.strides[model]}"
            for kind, page in collect_mapping("backoffice", "PROPOSAL_PAGES").items()
            if (model := apps.get_model(page)) in self.strides and self._is_number(model)
        )
        # The others are texts, or numbers of rows that are not copied.
        other = f"IF({column} REGEXP '^[0-9]+$', {column} + c.n * {FAR}, CONCAT({column}, '~', c.n))"
        return f"CASE{cases} ELSE {other} END"

    def _steps(self, model: type[models.Model]) -> Iterator[str]:
        """Yield the numbers that a copy changes, because they are unique."""
        for name in self._changed_by_constraints(model):
            if isinstance(model._meta.get_field(name), models.IntegerField):
                yield name

    def _changed_by_constraints(self, model: type[models.Model]) -> set[str]:
        """Return a column of each unique constraint that nothing else makes different in each copy."""
        unique = [one.fields for one in model._meta.constraints if isinstance(one, models.UniqueConstraint)]
        unique += [(field.name,) for field in model._meta.concrete_fields if field.unique]
        return {changed for names in unique for changed in self._changed(model, names)}

    def _is_different(self, field: Any) -> bool:
        """Return whether this column differs in each copy anyway."""
        is_named = field.name in SUBJECTS | NAMES
        return is_named or field.primary_key or field.generated or field.related_model in self.strides

    def _changed(self, model: type[models.Model], names: Sequence[str]) -> list[str]:
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        if any(self._is_different(field) for field in fields):
            return []
        texts = [field.name for field in fields if isinstance(field, models.CharField)]
        numbers = [field.name for field in fields if isinstance(field, models.IntegerField)]
        return texts[-1:] if len(texts) == len(fields) or not numbers else numbers[-1:]


def _changed(field: Any, column: str) -> str:
    if field.max_length <= HASH_LENGTH:
        return f"LEFT(SHA2(CONCAT({column}, c.n), 256), {field.max_length})"
    return f"CONCAT({column}, '~', c.n)"


def _stride(model: type[models.Model]) -> int:
    """Return how far the keys of each copy are moved; nothing for keys that are texts."""
    pk: Any = model._meta.pk
    while pk.remote_field:
        pk = pk.related_model._meta.pk
    return 0 if isinstance(pk, models.CharField) else _highest(model, "pk")


def _highest(model: type[models.Model], name: str) -> int:
    return int(model._base_manager.aggregate(highest=models.Max(name))["highest"])


def _kept(model: type[models.Model]) -> list[Any]:
    """Return the keys of rows that are not copied: accounts of nobody in particular."""
    if model._meta.label == "ledger.Account":
        return list(model._base_manager.filter(owner="").values_list("pk", flat=True))
    if model._meta.label == "ledger.AccountCheckpoint":
        return list(model._base_manager.filter(account__owner="").values_list("pk", flat=True))
    return []


def _listed(keys: Sequence[Any]) -> str:
    return ", ".join(str(key) for key in keys)
