from django.conf import settings
from django.utils.translation import gettext_lazy as _

from sunusav.core.subjects import SubjectKind, kind_of_rows

SUBJECT_KINDS = [
    kind_of_rows("disbursement", model="transfers.disbursement", label=_("disbursement %(key)s")),
    kind_of_rows("collection", model="transfers.collection", label=_("collection %(key)s")),
    kind_of_rows("credit_use", model="transfers.credituse", label=_("use of credit %(key)s")),
    kind_of_rows("withdrawal", model="transfers.withdrawallink", label=_("withdrawal link %(key)s")),
    kind_of_rows("issued_receipt", model="transfers.issuedreceipt", label=_("issued receipt %(key)s")),
    kind_of_rows("return", model="transfers.disbursement", label=_("return of disbursement %(key)s")),
    kind_of_rows("statement_import", model="transfers.statementimport", label=_("statement %(key)s")),
    kind_of_rows(
        "statement_format", model="transfers.statementformat", label=_("format of statements %(key)s")
    ),
    kind_of_rows("matching_rule", model="transfers.matchingrule", label=_("matching rule %(key)s")),
    SubjectKind("rail", exists=lambda key: key in settings.RAILS, label=_("rail %(key)s")),
]
