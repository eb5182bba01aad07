"""Routes of the project. Each room brings its own; only the roof knows them all."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
