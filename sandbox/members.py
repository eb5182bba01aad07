"""The members of the demo's group: those who take part, by the platform's identifier, name and phone."""

from typing import NamedTuple

WINNER = "user-123"


class DemoMember(NamedTuple):
    user_id: str
    name: str
    phone: str


NAMES = (
    "Aminata Sow", "Modou Gueye", "Khadija Mbaye", "Cheikh Sarr", "Mariama Ba", "Ousmane Faye", "Astou Cissé",
    "Lamine Kane", "Coumba Thiam", "Babacar Niang",
)  # fmt: skip
MEMBERS = tuple(
    DemoMember(user_id, name, f"+22177000{number:04}")
    for number, (user_id, name) in enumerate(
        zip([WINNER, *(f"user-{number}" for number in range(1, 10))], NAMES, strict=True)
    )
)
