"""Names of the codes and facts of statements, and phrases of their refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Any] = {
    "health.statements": _("statements of partners"),
    "match_open_differences_from_statements": _("match open differences from statements"),
    # How a statement and what was expected differ
    "statement_mismatched": _("another amount"),
    "statement_missing": _("not in the statement"),
    "statement_unexpected": _("not expected"),
    # How a difference ends
    "explained": _("explained"),
    "merged": _("part of another difference"),
    "lapsed": _("no longer expected"),
    "resolved": _("resolved"),
    # How lines are matched
    "by_reference": _("reference"),
    "by_sum": _("sum of several"),
    "by_rule": _("rule"),
    "by_resolution": _("decision of two people"),
    # Why two people close a difference
    "booked_as_movement": _("booked as a movement of the treasury"),
    "corrected_by_partner": _("the partner corrects its statement"),
    "not_ours": _("concerns another account"),
    "no_money_moved": _("no money moved"),
    # How amounts are written
    "amount_signed": _("one column, what reaches us is positive"),
    "amount_negated": _("one column, what leaves us is positive"),
    "debit_credit": _("a column for debit and one for credit"),
    # Actions in the trail
    "import_statement": _("import statement"),
    "record_closing_balance": _("record closing balance"),
    "save_format": _("save format"),
    "save_rule": _("save rule"),
    "open_item": _("open difference"),
    "change_item": _("change difference"),
    "explain_item": _("explain difference"),
    "merge_item": _("merge difference"),
    "lapse_item": _("end difference"),
    "resolve_item": _("resolve difference"),
    "take_item": _("take difference"),
    "give_item": _("give difference"),
    "comment_item": _("comment"),
    # Why a file or a row cannot be read
    "file_is_damaged": _("the file is damaged, or no workbook"),
    "file_declares_document_type": _("the file declares a document type"),
    "file_has_another_encoding": _("the file has another encoding than the format says"),
    "file_is_no_csv": _("the file is no CSV file"),
    "file_is_old_excel": _("the file is an old Excel file; save it as XLSX"),
    "file_is_markup": _("the file is a web page"),
    "file_is_binary": _("the file is no text"),
    "cell_is_formula": _("a cell is a formula"),
    "cell_has_control_characters": _("a cell has control characters"),
    "amount_is_no_number": _("the amount is no number"),
    "amount_is_missing": _("the amount is missing"),
    "amount_is_zero": _("the amount is zero"),
    "amount_out_of_range": _("the amount is out of range"),
    "amount_has_too_many_decimals": _("the amount has more than four decimals"),
    "debit_and_credit": _("it has both a debit and a credit"),
    "debit_or_credit_is_negative": _("debit or credit is negative"),
    "day_is_missing": _("the day is missing"),
    "day_has_another_format": _("the day has another format"),
    "day_out_of_range": _("the day is out of range"),
    "row_has_too_many_cells": _("the row has more cells than the header"),
    "reference_too_long": _("the reference is too long"),
    # What there is too much of in a file
    "bytes": _("bytes"),
    "rows": _("rows"),
    "columns": _("columns"),
    "characters": _("characters in a cell"),
    "parts": _("parts"),
    # Fields of formats, rules and resolutions
    "moment_column": _("column of the day"),
    "amount_column": _("column of the amount"),
    "debit_column": _("column of the debit"),
    "credit_column": _("column of the credit"),
    "amount_reading": _("amounts"),
    "encoding": _("encoding"),
    "delimiter": _("delimiter"),
    "decimal_mark": _("decimal mark"),
    "thousands_mark": _("thousands mark"),
    "moment_format": _("format of the day"),
    "header_row": _("header row"),
    "tolerance_xof": _("tolerance"),
    "days": _("days apart"),
    "reason_code": _("why it is closed"),
}
EVENTS: dict[str, Any] = {
    "statement_import.import_statement": _(
        "Statement imported: %(lines_read)s lines, %(lines_new)s of them new"
    ),
    "statement_import.record_closing_balance": _("Closing balance recorded: %(closing_xof)s"),
    "statement_format.save_format": _("Format saved: version %(version)s"),
    "matching_rule.save_rule": _("Rule saved: %(name)s, version %(version)s"),
    "statement_item.open_item": _("%(item_code)s: expected %(expected_xof)s, found %(found_xof)s"),
    "statement_item.change_item": _("It changed: expected %(expected_xof)s, found %(found_xof)s"),
    "statement_item.explain_item": _("A later line or booking explains it"),
    "statement_item.merge_item": _("It became part of another difference"),
    "statement_item.lapse_item": _("What was expected is expected no longer"),
    "statement_item.resolve_item": _("Two people closed it: %(reason_code)s"),
    "statement_item.take_item": _("Taken by %(item_owner)s"),
    "statement_item.give_item": _("Given to %(item_owner)s"),
    "statement_item.comment_item": _("Comment"),
}
FACTS: dict[str, Any] = {
    "statement_source": _("source"),
    "known_sources": _("known sources"),
    "item_code": _("difference"),
    "item_reference": _("reference"),
    "item_subject": _("about"),
    "item_lines": _("lines"),
    "item_expectations": _("expected lines"),
    "item_resolution": _("resolution"),
    "item_owner": _("owner"),
    "item_state": _("state"),
    "expected": _("expected"),
    "found": _("found"),
    "at_stake": _("at stake"),
    "reason_code": _("why it is closed"),
    "movement": _("movement of the treasury"),
    "lines_read": _("lines read"),
    "lines_new": _("new lines"),
    "file_sha256": _("digest of the file"),
    "closing": _("closing balance"),
    "matched": _("matched"),
    "statement_mismatched": _("another amount"),
    "statement_missing": _("not in the statement"),
    "statement_unexpected": _("not expected"),
    "first_rows": _("rows"),
    "too_many": _("too many"),
    "wrong": _("wrong"),
    "version": _("version"),
    "is_on": _("is on"),
}
REFUSALS: dict[str, tuple[Any, Any]] = {
    "statement-source-unknown": (
        _("Nothing is expected in statements of “%(statement_source)s”."),
        _("The known sources are %(known_sources)s."),
    ),
    "statement-format-missing": (
        _("Nobody has saved how statements of “%(statement_source)s” are read."),
        _("Save a format for it first."),
    ),
    "statement-format-invalid": (
        _("The format does not fit together: %(wrong)s."),
        _("Correct that field."),
    ),
    "statement-file-unreadable": (
        _("The file cannot be read: %(why)s."),
        _("Have the partner send the statement as CSV or XLSX."),
    ),
    "statement-file-too-large": (
        _("The file has more than %(maximum)s %(too_many)s."),
        _("Import the statement in several files."),
    ),
    "statement-columns-differ": (
        _("The header row lacks columns (%(missing_columns)s), or has some twice (%(repeated_columns)s)."),
        _(
            "Look whether it is a statement of this source; save another format if the partner has changed it."
        ),
    ),
    "statement-rows-refused": (
        _("%(refused)s rows cannot be read, and nothing was imported: %(first_rows)s."),
        _("Have the partner correct the file, or save a format that fits it."),
    ),
    "statement-empty": (
        _("The file has no line below its header row."),
        _("Look whether it is the right file, and whether the format names the right header row."),
    ),
    "statement-days-differ": (
        _("The lines of the statement are of %(first_day)s to %(last_day)s."),
        _("Enter days around these and not in the future, or none."),
    ),
    "matching-rule-invalid": (
        _("The rule does not fit together: %(wrong)s."),
        _("Correct that field."),
    ),
    "statement-item-missing": (
        _("Difference %(item_id)s does not exist."),
        _("Open the list of differences again."),
    ),
    "statement-item-closed": (
        _("Difference %(item_id)s is closed: %(item_state)s."),
        _("There is nothing left to do; reject or withdraw an open proposal about it."),
    ),
    "statement-item-owner-invalid": (
        _("%(owner)s does not work on differences."),
        _("Choose a person of finance."),
    ),
    "statement-resolution-incomplete": (
        _("The resolution does not fit together: %(wrong)s."),
        _("Name the movement if the correction was booked by one, and only then; and explain it."),
    ),
    "statement-correction-missing": (
        _("Movement %(movement_id)s of the treasury is not booked."),
        _("Have the correction booked first, then enter its number."),
    ),
    "statement-resolution-missing": (
        _("Nobody has proposed how difference %(item_id)s is resolved."),
        _("Open its page and propose it."),
    ),
}
CODES = {"statement_source", "item_code", "item_state", "reason_code", "too_many", "wrong"}
