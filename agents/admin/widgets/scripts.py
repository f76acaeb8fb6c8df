"""Which of Django's scripts a page of the admin loads: those that it uses."""

from typing import Any

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field
from django.forms import Field as FormField
from django.forms import Media
from django.http import HttpRequest

FOLDER = "admin/js"
LISTS_AND_FORMS = Media(js=[f"{FOLDER}/core.js", f"{FOLDER}/actions.js"])
POP_UPS = Media(
    js=[
        f"{FOLDER}/vendor/jquery/jquery.min.js",
        f"{FOLDER}/jquery.init.js",
        f"{FOLDER}/admin/RelatedObjectLookups.js",
    ]
)


class OwnScripts:
    """Django's admin loads 100 kB for each page: jQuery, and what makes slugs of titles."""

    @property
    def media(self) -> Media:
        return LISTS_AND_FORMS

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **options: Any
    ) -> FormField | None:
        field: FormField | None = super().formfield_for_dbfield(  # type: ignore[misc]
            db_field, request, **options
        )
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = _with_pop_ups(field.widget)
        return field


class PopUps(RelatedFieldWidgetWrapper):
    """Opens a window to add or change what a field refers to."""

    @property
    def media(self) -> Media:
        return POP_UPS + super().media


def _with_pop_ups(widget: RelatedFieldWidgetWrapper) -> PopUps:
    return PopUps(
        widget.widget,
        widget.rel,
        widget.admin_site,
        can_add_related=widget.can_add_related,
        can_change_related=widget.can_change_related,
        can_delete_related=widget.can_delete_related,
        can_view_related=widget.can_view_related,
    )
