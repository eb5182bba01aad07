import django.db.models.deletion
import sunusav.core.fields
from django.conf import settings
from django.db import migrations, models

from sunusav.core.migration_operations import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0017_proposals_found_by_index"),
        ("transfers", "0045_searches_by_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MatchingRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                (
                    "tolerance_xof",
                    models.DecimalField(decimal_places=4, default=0, max_digits=15, verbose_name="tolerance"),
                ),
                ("days", models.PositiveSmallIntegerField(default=0, verbose_name="days apart")),
                ("text", models.CharField(blank=True, max_length=100, verbose_name="text contains")),
                ("is_on", models.BooleanField(default=True, verbose_name="is on")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("saved_at", models.DateTimeField(verbose_name="saved at")),
                (
                    "saved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="saved by",
                    ),
                ),
            ],
            options={
                "verbose_name": "matching rule",
                "verbose_name_plural": "matching rules",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="StatementFormat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                (
                    "reference_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the reference"),
                ),
                (
                    "moment_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the day"),
                ),
                (
                    "amount_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the amount"),
                ),
                (
                    "debit_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the debit"),
                ),
                (
                    "credit_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the credit"),
                ),
                (
                    "cost_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the cost"),
                ),
                (
                    "text_column",
                    models.CharField(blank=True, max_length=100, verbose_name="column of the text"),
                ),
                (
                    "amount_reading",
                    models.CharField(
                        choices=[
                            ("amount_signed", "Signed"),
                            ("amount_negated", "Negated"),
                            ("debit_credit", "Debit Credit"),
                        ],
                        max_length=20,
                        verbose_name="amounts",
                    ),
                ),
                ("encoding", models.CharField(max_length=10, verbose_name="encoding")),
                ("delimiter", models.CharField(max_length=1, verbose_name="delimiter")),
                ("decimal_mark", models.CharField(max_length=1, verbose_name="decimal mark")),
                ("thousands_mark", models.CharField(blank=True, max_length=1, verbose_name="thousands mark")),
                ("moment_format", models.CharField(max_length=30, verbose_name="format of the day")),
                ("header_row", models.PositiveSmallIntegerField(default=1, verbose_name="header row")),
                (
                    "tolerance_xof",
                    models.DecimalField(decimal_places=4, default=0, max_digits=15, verbose_name="tolerance"),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("saved_at", models.DateTimeField(verbose_name="saved at")),
                (
                    "saved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="saved by",
                    ),
                ),
            ],
            options={
                "verbose_name": "format of statements",
                "verbose_name_plural": "formats of statements",
                "permissions": [("save_statement_format", "Can save how statements are read and matched")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="StatementImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("sha256", models.CharField(max_length=64, verbose_name="digest of the file")),
                ("since", models.DateField(verbose_name="first day")),
                ("through", models.DateField(verbose_name="last day")),
                ("lines_read", models.PositiveIntegerField(verbose_name="lines read")),
                ("lines_new", models.PositiveIntegerField(verbose_name="new lines")),
                ("imported_at", models.DateTimeField(verbose_name="imported at")),
                (
                    "format",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="imports",
                        to="transfers.statementformat",
                        verbose_name="format",
                    ),
                ),
                (
                    "imported_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="imported by",
                    ),
                ),
            ],
            options={
                "verbose_name": "imported statement",
                "verbose_name_plural": "imported statements",
                "permissions": [("import_statement", "Can import a partner's statement")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="StatementItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("key", sunusav.core.fields.ExactCharField(max_length=80, verbose_name="key")),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("statement_mismatched", "Mismatched"),
                            ("statement_missing", "Missing"),
                            ("statement_unexpected", "Unexpected"),
                        ],
                        max_length=30,
                        verbose_name="difference",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("explained", "Explained"),
                            ("merged", "Merged"),
                            ("lapsed", "Lapsed"),
                            ("resolved", "Resolved"),
                        ],
                        default="open",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                (
                    "reference",
                    sunusav.core.fields.ExactCharField(blank=True, max_length=120, verbose_name="reference"),
                ),
                (
                    "subject",
                    sunusav.core.fields.ExactCharField(blank=True, max_length=120, verbose_name="subject"),
                ),
                (
                    "expected_xof",
                    models.DecimalField(decimal_places=4, max_digits=20, verbose_name="expected"),
                ),
                ("found_xof", models.DecimalField(decimal_places=4, max_digits=20, verbose_name="found")),
                (
                    "at_stake_xof",
                    models.DecimalField(decimal_places=4, max_digits=20, verbose_name="at stake"),
                ),
                ("lines", models.JSONField(default=list, verbose_name="lines")),
                ("expected", models.JSONField(default=list, verbose_name="expected lines")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed at")),
                (
                    "open_key",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(state="open", then=models.F("key")),
                            default=models.Value(None),
                            output_field=sunusav.core.fields.ExactCharField(max_length=80, null=True),
                        ),
                        output_field=sunusav.core.fields.ExactCharField(max_length=80, null=True),
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "difference from a statement",
                "verbose_name_plural": "differences from statements",
                "permissions": [
                    ("assign_statement_item", "Can take, give and comment on a difference from a statement"),
                    ("propose_statement_item", "Can propose how a difference from a statement is resolved"),
                    ("approve_statement_item", "Can approve how a difference from a statement is resolved"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ItemResolution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason_code",
                    models.CharField(
                        choices=[
                            ("booked_as_movement", "Booked As Movement"),
                            ("corrected_by_partner", "Corrected By Partner"),
                            ("not_ours", "Not Ours"),
                            ("no_money_moved", "No Money Moved"),
                        ],
                        max_length=30,
                        verbose_name="why it is closed",
                    ),
                ),
                ("explanation", models.CharField(max_length=500, verbose_name="explanation")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                (
                    "movement",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="transfers.treasurymovement",
                        verbose_name="movement of the treasury",
                    ),
                ),
                (
                    "proposer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposer",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="resolutions",
                        to="transfers.statementitem",
                        verbose_name="difference",
                    ),
                ),
            ],
            options={
                "verbose_name": "resolution of a difference",
                "verbose_name_plural": "resolutions of differences",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("row_number", models.PositiveIntegerField(verbose_name="row")),
                (
                    "reference",
                    sunusav.core.fields.ExactCharField(blank=True, max_length=120, verbose_name="reference"),
                ),
                ("amount_xof", models.DecimalField(decimal_places=4, max_digits=15, verbose_name="amount")),
                (
                    "cost_xof",
                    models.DecimalField(decimal_places=4, max_digits=15, null=True, verbose_name="cost"),
                ),
                ("happened_at", models.DateTimeField(verbose_name="happened at")),
                ("text", models.CharField(blank=True, max_length=300, verbose_name="text")),
                ("line_key", models.CharField(max_length=64, verbose_name="digest of the line")),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="lines",
                        to="transfers.statementimport",
                        verbose_name="imported statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of a statement",
                "verbose_name_plural": "lines of statements",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="StatementMatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("key", sunusav.core.fields.ExactCharField(max_length=111, verbose_name="key")),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("by_reference", "Reference"),
                            ("by_sum", "Sum"),
                            ("by_rule", "Rule"),
                            ("by_resolution", "Resolution"),
                        ],
                        max_length=20,
                        verbose_name="matched by",
                    ),
                ),
                (
                    "difference_xof",
                    models.DecimalField(decimal_places=4, max_digits=20, verbose_name="difference"),
                ),
                ("matched_at", models.DateTimeField(verbose_name="matched at")),
                (
                    "item",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="matches",
                        to="transfers.statementitem",
                        verbose_name="difference",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="matches",
                        to="transfers.matchingrule",
                        verbose_name="rule",
                    ),
                ),
            ],
            options={
                "verbose_name": "match with a statement",
                "verbose_name_plural": "matches with statements",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ResolvedItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("resolved_at", models.DateTimeField(verbose_name="resolved at")),
                (
                    "approver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approver",
                    ),
                ),
                (
                    "proposal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="core.proposal",
                        verbose_name="proposal",
                    ),
                ),
                (
                    "proposer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposer",
                    ),
                ),
                (
                    "resolution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="resolved",
                        to="transfers.itemresolution",
                        verbose_name="resolution",
                    ),
                ),
                (
                    "match",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="resolved",
                        to="transfers.statementmatch",
                        verbose_name="match with a statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "resolved difference",
                "verbose_name_plural": "resolved differences",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="MatchedLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="matched",
                        to="transfers.statementline",
                        verbose_name="line",
                    ),
                ),
                (
                    "match",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="lines",
                        to="transfers.statementmatch",
                        verbose_name="match with a statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "matched line",
                "verbose_name_plural": "matched lines",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="MatchedExpectation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=30, verbose_name="source")),
                ("key", sunusav.core.fields.ExactCharField(max_length=80, verbose_name="key")),
                ("amount_xof", models.DecimalField(decimal_places=4, max_digits=15, verbose_name="amount")),
                ("subject", sunusav.core.fields.ExactCharField(max_length=120, verbose_name="subject")),
                (
                    "match",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="expectations",
                        to="transfers.statementmatch",
                        verbose_name="match with a statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "matched expectation",
                "verbose_name_plural": "matched expectations",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.UniqueConstraint(
                fields=("source", "name", "version"), name="matchingrule_version_used_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("tolerance_xof__gte", 0)), name="matchingrule_tolerance_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="matchingrule_has_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementformat",
            constraint=models.UniqueConstraint(
                fields=("source", "version"), name="statementformat_version_used_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementformat",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount_column", ""),
                        ("amount_reading", "debit_credit"),
                        models.Q(("debit_column", ""), _negated=True),
                        models.Q(("credit_column", ""), _negated=True),
                    ),
                    models.Q(
                        ("amount_reading__in", ["amount_signed", "amount_negated"]),
                        models.Q(("amount_column", ""), _negated=True),
                        ("credit_column", ""),
                        ("debit_column", ""),
                    ),
                    _connector="OR",
                ),
                name="statementformat_amounts_have_columns",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementformat",
            constraint=models.CheckConstraint(
                condition=models.Q(("moment_column", ""), _negated=True),
                name="statementformat_day_has_column",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementformat",
            constraint=models.CheckConstraint(
                condition=models.Q(("decimal_mark", models.F("thousands_mark")), _negated=True),
                name="statementformat_marks_differ",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementformat",
            constraint=models.CheckConstraint(
                condition=models.Q(("tolerance_xof__gte", 0)),
                name="statementformat_tolerance_is_not_negative",
            ),
        ),
        migrations.AddIndex(
            model_name="statementimport",
            index=models.Index(fields=["source", "id"], name="statementimport_by_source"),
        ),
        migrations.AddIndex(
            model_name="statementimport",
            index=models.Index(fields=["imported_at"], name="statementimport_by_moment"),
        ),
        migrations.AddConstraint(
            model_name="statementimport",
            constraint=models.UniqueConstraint(
                fields=("sha256", "source"), name="statementimport_file_read_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementimport",
            constraint=models.CheckConstraint(
                condition=models.Q(("through__gte", models.F("since"))),
                name="statementimport_days_are_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementimport",
            constraint=models.CheckConstraint(
                condition=models.Q(("lines_new__lte", models.F("lines_read"))),
                name="statementimport_new_lines_were_read",
            ),
        ),
        migrations.AddIndex(
            model_name="statementitem",
            index=models.Index(fields=["state", "opened_at"], name="statementitem_by_state"),
        ),
        migrations.AddIndex(
            model_name="statementitem",
            index=models.Index(fields=["source", "state"], name="statementitem_by_source"),
        ),
        migrations.AddIndex(
            model_name="statementitem",
            index=models.Index(fields=["code", "state"], name="statementitem_by_code"),
        ),
        migrations.AddIndex(
            model_name="statementitem",
            index=models.Index(fields=["reference"], name="statementitem_by_reference"),
        ),
        migrations.AddIndex(
            model_name="statementitem",
            index=models.Index(fields=["opened_at"], name="statementitem_by_moment"),
        ),
        migrations.AddConstraint(
            model_name="statementitem",
            constraint=models.UniqueConstraint(
                fields=("open_key", "source"), name="statementitem_one_open_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("code__in", ["statement_mismatched", "statement_missing", "statement_unexpected"])
                ),
                name="statementitem_code_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("state", "open")),
                    models.Q(
                        ("closed_at__isnull", False),
                        ("state__in", ["explained", "merged", "lapsed", "resolved"]),
                    ),
                    _connector="OR",
                ),
                name="statementitem_closed_when_not_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("at_stake_xof__gte", 0)), name="statementitem_at_stake_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="itemresolution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("movement__isnull", False), ("reason_code", "booked_as_movement")),
                    models.Q(
                        ("movement__isnull", True),
                        ("reason_code__in", ["corrected_by_partner", "not_ours", "no_money_moved"]),
                    ),
                    _connector="OR",
                ),
                name="itemresolution_names_its_movement",
            ),
        ),
        migrations.AddConstraint(
            model_name="itemresolution",
            constraint=models.CheckConstraint(
                condition=models.Q(("explanation", ""), _negated=True), name="itemresolution_has_explanation"
            ),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["reference"], name="statementline_by_reference"),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["source", "id"], name="statementline_by_source"),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["happened_at"], name="statementline_by_moment"),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(fields=("line_key",), name="statementline_counts_once"),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_xof", 0), _negated=True), name="statementline_amount_is_not_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementmatch",
            constraint=models.UniqueConstraint(fields=("key",), name="statementmatch_counts_once"),
        ),
        migrations.AddConstraint(
            model_name="statementmatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("method", "by_rule"), ("rule__isnull", False)),
                    models.Q(
                        ("method__in", ["by_reference", "by_sum", "by_resolution"]), ("rule__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="statementmatch_rule_is_named",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementmatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("method", "by_resolution"), _negated=True),
                    ("item__isnull", False),
                    _connector="OR",
                ),
                name="statementmatch_resolution_has_item",
            ),
        ),
        migrations.AddConstraint(
            model_name="resolveditem",
            constraint=models.CheckConstraint(
                condition=models.Q(("approver", models.F("proposer")), _negated=True),
                name="resolveditem_four_eyes",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchedexpectation",
            constraint=models.UniqueConstraint(
                fields=("key", "source"), name="matchedexpectation_counts_once"
            ),
        ),
        AppendOnly("transfers_matchingrule"),
        AppendOnly("transfers_statementformat"),
        AppendOnly("transfers_statementimport"),
        AppendOnly("transfers_statementline"),
        AppendOnly("transfers_statementmatch"),
        AppendOnly("transfers_matchedline"),
        AppendOnly("transfers_matchedexpectation"),
        AppendOnly("transfers_itemresolution"),
        AppendOnly("transfers_resolveditem"),
    ]
