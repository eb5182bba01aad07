from django.db import migrations

from sunusav.core.migration_operations import AppendOnly

# Inserting a bracket would change a published version just as an update would.
_MYSQL = """
CREATE TRIGGER fees_feebracket_only_with_its_version BEFORE INSERT ON fees_feebracket FOR EACH ROW
BEGIN
    IF NEW.position >= (SELECT bracket_count FROM fees_feeschedule WHERE id = NEW.schedule_id) THEN
        SIGNAL SQLSTATE '45000'
            SET MESSAGE_TEXT = 'fees_feebracket: a published version takes no more brackets';
    END IF;
END
"""
_SQLITE = """
CREATE TRIGGER fees_feebracket_only_with_its_version BEFORE INSERT ON fees_feebracket
WHEN NEW.position >= (SELECT bracket_count FROM fees_feeschedule WHERE id = NEW.schedule_id)
BEGIN
    SELECT RAISE(ABORT, 'fees_feebracket: a published version takes no more brackets');
END
"""


def _refuse_more_brackets(apps, schema_editor):
    schema_editor.execute(_MYSQL if schema_editor.connection.vendor == "mysql" else _SQLITE)


def _allow_more_brackets(apps, schema_editor):
    schema_editor.execute("DROP TRIGGER IF EXISTS fees_feebracket_only_with_its_version")


class Migration(migrations.Migration):
    """Published versions, fixed fees and fee records are facts: no update and no delete, by any interface."""

    dependencies = [("fees", "0001_initial")]

    operations = [
        AppendOnly("fees_feeschedule"),
        AppendOnly("fees_feebracket"),
        AppendOnly("fees_feeassessment"),
        AppendOnly("fees_feerecord"),
        migrations.RunPython(_refuse_more_brackets, _allow_more_brackets, atomic=False),
    ]
