from django.utils.translation import gettext_lazy as _

from ledger.auditor import AUDIT_SUBJECT
from sunusav.core.subjects import SubjectKind, key_of, kind_name, kind_of_rows

SUBJECT_KINDS = [
    SubjectKind(
        kind_name(AUDIT_SUBJECT),
        exists=lambda key: key == key_of(AUDIT_SUBJECT),
        label=_("audit of the books"),
    ),
    kind_of_rows("journal", model="ledger.journaltransaction", label=_("journal transaction %(key)s")),
    kind_of_rows("rate", model="ledger.exchangerate", label=_("rate %(key)s")),
]
