from collections.abc import Iterable
from enum import StrEnum


def choices_of(members: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """Return an enum's members as Django's choices."""
    return [(member.value, member.value.replace("_", " ")) for member in members]
