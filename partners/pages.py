"""The page to which a partner sends a payer's browser back: it knows nothing, and says so."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def wave_done(request: HttpRequest) -> HttpResponse:
    """Say that the page may be closed; whether it was paid is read from Wave, never from an address."""
    response = render(request, "public/partners/done.html", {"language": request.LANGUAGE_CODE})
    response["Referrer-Policy"] = "no-referrer"
    return response
