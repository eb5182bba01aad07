from django.conf import settings
from django.utils.module_loading import import_string

from partners.errors import PartnerNotInUse
from partners.webhooks.types import PartnerWebhooks


def webhooks_of(partner: str) -> PartnerWebhooks:
    """Return what reads the deliveries of a partner, with the secrets of now. Raises: PartnerNotInUse."""
    if partner not in settings.PARTNERS:
        raise PartnerNotInUse(partner=partner)
    package = settings.PARTNER_PACKAGES[partner]
    made: PartnerWebhooks = import_string(f"{package}.webhooks.{partner.title()}Webhooks")()
    return made
