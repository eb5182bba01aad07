from django.urls import path

from partners import pages

urlpatterns = [path("partners/wave/done", pages.wave_done, name="wave-done")]
