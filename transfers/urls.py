from django.urls import path

from transfers.pages.views import ReceiptPage, ReceiptPdf

urlpatterns = [
    path("receipts/<str:token>", ReceiptPage.as_view(), name="receipt"),
    path("receipts/<str:token>/pdf", ReceiptPdf.as_view(), name="receipt-pdf"),
]
