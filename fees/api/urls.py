from django.urls import path

from fees.api.views import CalculateFee, FeeTiers, ProjectAnnualRevenue

urlpatterns = [
    path("fees/calculate", CalculateFee.as_view(), name="fees-calculate"),
    path("fees/tiers", FeeTiers.as_view(), name="fees-tiers"),
    path("fees/project-annual-revenue", ProjectAnnualRevenue.as_view(), name="fees-project-annual-revenue"),
]
