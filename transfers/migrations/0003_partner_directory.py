from typing import Any

from django.db import migrations

# reference of the countries: MTN does not operate in Senegal; XOF through MTN means Côte d'Ivoire and Benin.
DIRECTORY = [
    ("wave", "Wave", ["SN", "CI", "ML", "BF"], 1),
    ("orange", "Orange Money", ["SN", "CI", "ML", "BF"], 2),
    ("mtn", "MTN MoMo", ["CI", "BJ"], 3),
]


def fill_directory(apps: Any, schema_editor: Any) -> None:
    """Create the partners that are missing; an edited row stays as it is."""
    partners = apps.get_model("transfers", "Partner").objects
    for code, name, countries, position in DIRECTORY:
        defaults = {"name": name, "countries": countries, "position": position}
        partners.get_or_create(code=code, defaults=defaults)


class Migration(migrations.Migration):
    """The settlement partners that exist before any of them can pay."""

    dependencies = [("transfers", "0002_append_only")]

    operations = [migrations.RunPython(fill_directory, migrations.RunPython.noop)]
