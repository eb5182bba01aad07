"""A receipt for anybody who has its link, as a page, as PDF and with its lines; no account is needed."""

from collections.abc import Mapping
from typing import Any, cast

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext_lazy as _
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.views import ApiView
from transfers.document_errors import ReceiptLinkClosed
from transfers.document_queries import linked_receipt
from transfers.receipt_files.answers import csv_answer, pdf_answer, xlsx_answer
from transfers.receipt_files.lines import routes_of
from transfers.receipt_files.paper import FRENCH, LANGUAGES, paper_of
from transfers.types import IssuedReceiptFacts

REFUSED: Mapping[type[Exception], int] = {ReceiptLinkClosed: 410}
# What the page of a refusal explains; the rest answers as the API does.
EXPLAINED = {404, 410, 429, 500, 503}
FILES: Mapping[str, Any] = {
    "receipt-pdf": _("Save as PDF"), "receipt-csv": _("Lines as CSV"), "receipt-xlsx": _("Lines as XLSX"),
}  # fmt: skip
HEADERS = {
    # Readable without network for an hour; only in the browser that showed it.
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    # The address contains the token: no page that is opened from here, and no search engine, may learn it.
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class LinkedReceiptView(ApiView):
    """The receipt of a link. A refusal is a page too, in the reader's language."""

    public = True
    schema = None
    http_method_names = ["get", "head"]
    authentication_classes = []

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's signature)
    ) -> tuple[BaseRenderer, str]:
        return ExactJSONRenderer(), "application/json"

    def receipt(self, token: str) -> IssuedReceiptFacts:
        """Return the receipt of the link. Raises: ReceiptLinkUnknown, ReceiptLinkClosed."""
        return linked_receipt(token, now=self.now)

    @property
    def language(self) -> str:
        """Return the language that was asked for, else French."""
        return self._asked_language() or FRENCH

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]  # a page
        problem: Response = super().handle_exception(exc)
        status = REFUSED.get(type(exc), problem.status_code)
        if status not in EXPLAINED:
            return problem
        waits = {name: problem.headers[name] for name in ("Retry-After",) if name in problem.headers}
        return _page(
            "public/receipts/refused.html", {"status": status}, language=self._reader_language(), status=status,
            headers={"Cache-Control": "no-store", **waits},
        )  # fmt: skip

    def _asked_language(self) -> str:
        asked = self.request.query_params.get("lang", "")
        return asked if asked in LANGUAGES else ""

    def _reader_language(self) -> str:
        """Return the language that was asked for, else the browser's, else French."""
        if not self.request.headers.get("Accept-Language"):
            return self._asked_language() or FRENCH
        return self._asked_language() or get_language_from_request(cast(Any, self.request))


class ReceiptPage(LinkedReceiptView):
    """The receipt as a page of one file, without scripts."""

    def get(self, request: Request, token: str) -> HttpResponse:
        receipt = self.receipt(token)
        paper = paper_of(receipt, language=self.language)
        address, query = reverse("receipt", args=[token]), f"?lang={paper.language}"
        facts = {
            "paper": paper,
            "files": [
                (FILES[route], reverse(route, args=[token]) + query)
                for route in routes_of(receipt)
                if route in FILES
            ],
            "others": [(name, f"{address}?lang={name}") for name in LANGUAGES if name != paper.language],
        }
        return _page("public/receipts/receipt.html", facts, language=paper.language)


class ReceiptPdf(LinkedReceiptView):
    """The receipt as PDF."""

    def get(self, request: Request, token: str) -> HttpResponse:
        return pdf_answer(self.receipt(token), language=self.language, headers=HEADERS)


class ReceiptCsv(LinkedReceiptView):
    """The lines behind a receipt as the CSV file whose hash is printed on it."""

    def get(self, request: Request, token: str) -> StreamingHttpResponse:
        return csv_answer(self.receipt(token), headers=HEADERS)


class ReceiptXlsx(LinkedReceiptView):
    """The same lines as a workbook. Raises: ReceiptLinkUnknown where a sheet cannot hold them."""

    def get(self, request: Request, token: str) -> FileResponse:
        return xlsx_answer(self.receipt(token), language=self.language, headers=HEADERS)


def _page(
    template: str,
    facts: Mapping[str, Any],
    *,
    language: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    with override(language):
        text = render_to_string(template, {**facts, "language": language})
    sent = {**HEADERS, "Content-Language": language, **(headers or {})}
    return HttpResponse(text, status=status, headers=sent)
