from django.urls import path

from transfers.pages.views import ReceiptCsv, ReceiptPage, ReceiptPdf, ReceiptXlsx

urlpatterns = [
    path("receipts/<str:token>", ReceiptPage.as_view(), name="receipt"),
    path("receipts/<str:token>/pdf", ReceiptPdf.as_view(), name="receipt-pdf"),
    path("receipts/<str:token>/csv", ReceiptCsv.as_view(), name="receipt-csv"),
    path("receipts/<str:token>/xlsx", ReceiptXlsx.as_view(), name="receipt-xlsx"),
]
