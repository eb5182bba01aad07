"""The directory of partners: rows with their countries, before any partner can pay."""

from transfers.models import Partner

# reference/partners.md section 0: MTN does not operate in Senegal; XOF through MTN means Côte d'Ivoire and Benin.
DIRECTORY = [
    ("wave", "Wave", ["SN", "CI", "ML", "BF"], 1),
    ("orange", "Orange Money", ["SN", "CI", "ML", "BF"], 2),
    ("mtn", "MTN MoMo", ["CI", "BJ"], 3),
]


def ensure_directory() -> None:
    """Create the partners that are missing; an edited row stays as it is."""
    for code, name, countries, position in DIRECTORY:
        defaults = {"name": name, "countries": countries, "position": position}
        Partner.objects.get_or_create(code=code, defaults=defaults)
