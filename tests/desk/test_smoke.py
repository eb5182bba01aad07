from django.contrib import admin
from django.urls import reverse


def test_all(world, enter):
    c = enter(None)
    assert c.get("/admin/").status_code == 200
    for model, ma in admin.site._registry.items():
        n = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        r = c.get(reverse(n+"_changelist")); print(n, r.status_code, model.objects.count())
        assert r.status_code == 200
        row = ma.get_queryset(r.wsgi_request).first()
        if row is not None:
            r = c.get(reverse(n+"_change", args=[row.pk])); print("   ", r.status_code)
