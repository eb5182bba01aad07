"""People and their roles. For superusers and user managers; every change is recorded in the trail."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold import forms as forms_of_unfold
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from sunusav.backoffice.access_actions import END_SESSIONS, PROPOSE_RESET, sessions_table
from sunusav.backoffice.admins import BackofficeAdmin, ReadOnlyAdmin, person_of
from sunusav.backoffice.code_first import code_asked_first
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.packages import unregister_models
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import Section
from sunusav.backoffice.session_limits import follow_rotated
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock, phrasing, trail
from sunusav.core.actors import Actor
from sunusav.core.models import User
from sunusav.core.roles import OwnRoleGiven, Role, require_role_of_another
from sunusav.core.second_factor_resets import SECOND_FACTOR_RESET
from sunusav.core.staff_sessions import delete_sessions

# Four eyes: a person who proposes and executes must not approve.
EXCLUSIVE_ROLES = {Role.FINANCE.value, Role.APPROVER.value}

if TYPE_CHECKING:
    ChangeForm = UserChangeForm[User]
    DjangoUserAdmin = UserAdmin[User]
else:
    ChangeForm, DjangoUserAdmin = forms_of_unfold.UserChangeForm, UserAdmin

unregister_models(Group, TOTPDevice, StaticDevice)


ROLE = choice_filter("groups__name", lambda: [role.value for role in Role], heading=_("roles"))


class PersonForm(ChangeForm):
    """Django's form, which also refuses roles that exclude each other, and roles that people give themselves."""

    changer: User

    def clean_groups(self) -> QuerySet[Group]:
        groups: QuerySet[Group] = self.cleaned_data["groups"]
        if {group.name for group in groups} >= EXCLUSIVE_ROLES:
            raise ValidationError(_("One person cannot be both finance and approver."))
        try:
            require_role_of_another(
                person=self.instance, by=self.changer, roles=[group.name for group in groups]
            )
        except OwnRoleGiven as refusal:
            raise ValidationError(show_refusal(refusal).text) from None
        return groups

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_service") and cleaned.get("is_staff"):
            raise ValidationError(
                _("A program cannot use the back office: an account is either a service or staff.")
            )
        return cleaned


@admin.register(User)
class PersonAdmin(BackofficeAdmin, DjangoUserAdmin):
    """Accounts are deactivated, never deleted: the trail refers to them.

    Adding or changing one needs a fresh code: in an unlocked browser, anybody could make themselves two colleagues.
    """

    form = PersonForm
    add_form = forms_of_unfold.UserCreationForm
    change_password_form = forms_of_unfold.AdminPasswordChangeForm
    add_fieldsets = UserAdmin.add_fieldsets
    list_display = ("username", "full_name", "roles", "is_service", "is_active", "last_login")
    list_filter = ("is_active", "is_service", ROLE)
    search_fields = ("username",)
    search_help_text = _("The exact login.")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("is_active", "is_service", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    card_fields = ("username", "full_name", "roles", "last_login")
    actions_offered = (PROPOSE_RESET, END_SESSIONS)

    def name_of(self, row: Any) -> str:
        return str(row.get_username())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(phrasing.code_label(group.name) for group in user.groups.all())

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let only superusers change superusers."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (not getattr(obj, "is_superuser", False) or request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let only superusers grant superuser status."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[Any]:
        """Let the form know who changes the account."""
        form: type[Any] = super().get_form(request, *args, **kwargs)
        return type(form.__name__, (form,), {"changer": person_of(request)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        may_save = self.has_change_permission(request) if object_id else self.has_add_permission(request)
        asked = code_asked_first(request) if may_save else None
        return asked or super().changeform_view(request, object_id, form_url, extra_context)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups":
            field.label_from_instance = lambda group: phrasing.code_label(group.name)
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        user = form.instance
        if not (user.is_active and user.is_staff):
            delete_sessions(user)
        trail.record(
            subject=f"user:{user.get_username()}", action="edit_user" if change else "add_user",
            actor=Actor.of(person_of(request)), at=clock.now(),
            facts={
                "changed": sorted(name for name in form.changed_data if "password" not in name),
                "roles": sorted(user.groups.values_list("name", flat=True)),
                "is_active": user.is_active, "is_staff": user.is_staff, "is_superuser": user.is_superuser,
            },
        )  # fmt: skip

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Record a new password in the trail: Django sets it on a separate page, outside a transaction."""
        asked = code_asked_first(request) if self.has_change_permission(request) else None
        if asked is not None:
            return asked
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
                user = User.objects.get(pk=unquote(id))
                follow_rotated(request, person_of(request), now=clock.now())
                delete_sessions(user, except_session_key=request.session.session_key)
                trail.record(
                    subject=f"user:{user.get_username()}", action="change_password",
                    actor=Actor.of(person_of(request)), at=clock.now(),
                )  # fmt: skip
        return response

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        timeline = timeline_of([f"user:{row.get_username()}", f"{SECOND_FACTOR_RESET}:{row.pk}"])
        return [sessions_table(row, now=clock.now()), timeline]


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """Roles, read-only: `sync_roles` fills them with what the apps grant."""

    list_display = ("role",)
    fields = ("role", "rights")
    search_fields = ("name",)

    def name_of(self, row: Any) -> str:
        return phrasing.code_label(row.name)

    @admin.display(description=_("role"), ordering="name")
    def role(self, group: Group) -> str:
        return phrasing.code_label(group.name)

    @admin.display(description=_("rights"))
    def rights(self, group: Group) -> str:
        rights = group.permissions.select_related("content_type")
        return ", ".join(sorted(f"{right.content_type.app_label}.{right.codename}" for right in rights))


@admin.register(TOTPDevice)
class DeviceAdmin(ReadOnlyAdmin):
    """One-time code devices: superusers see who has one. Two people reset a lost one. Secrets are never shown."""

    list_display = ("user", "name", "confirmed", "created_at", "last_used_at", "throttling_failure_count")
    fields = ("user", "name", "confirmed", "created_at", "last_used_at", "throttling_failure_count")
    list_filter = ("confirmed",)
    search_fields = ("user__username",)
    list_select_related = ("user",)
    ordering = ("user__username",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser
