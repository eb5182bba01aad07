"""Bodies and answers of issued receipts."""

from rest_framework import serializers

from sunusav.api.answers import AnswerSerializer
from sunusav.api.serializers import IdentifierField, StrictIntegerField, StrictSerializer, UtcDateTimeField


class ReceiptBody(StrictSerializer):
    """What a receipt is requested for: its kind, and the id of what was paid."""

    kind = IdentifierField()
    id = StrictIntegerField(min_value=1)


class ReceiptIssuerAnswer(AnswerSerializer):
    """Who issued a receipt, by law."""

    legal_name = serializers.CharField()
    address = serializers.CharField()
    ninea = serializers.CharField()


class IssuedReceiptAnswer(AnswerSerializer):
    """An issued receipt: its number, who issued it, and the tax that its fee contains."""

    number = serializers.CharField(source="receipt.number")
    kind = serializers.CharField(source="receipt.kind")
    subject = serializers.CharField(source="receipt.subject")
    issued_at = UtcDateTimeField(source="receipt.issued_at")
    issuer = ReceiptIssuerAnswer(source="receipt.issuer")
    tax_rate_bps = serializers.IntegerField(source="receipt.tax_rate_bps")
    tax_sats = serializers.IntegerField(source="receipt.tax_sats")


class ReceiptLinkAnswer(IssuedReceiptAnswer):
    """An issued receipt with the link that shows it: as a page, as PDF, and the files of its lines if it has some."""

    url = serializers.CharField()
    pdf_url = serializers.CharField()
    csv_url = serializers.CharField(allow_null=True)
    xlsx_url = serializers.CharField(allow_null=True)
    expires_at = UtcDateTimeField()
