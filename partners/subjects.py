from django.utils.translation import gettext_lazy as _

from partners.settlements.queries import CONTESTED_LINE, SETTLEMENT
from sunusav.core.subjects import kind_of_rows

SUBJECT_KINDS = [
    kind_of_rows(SETTLEMENT, model="partners.settlement", label=_("settlement %(key)s")),
    kind_of_rows(CONTESTED_LINE, model="partners.contestedline", label=_("contested line %(key)s")),
]
