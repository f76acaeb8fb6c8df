from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.actors import staff
from agents.admin.mutes.form import MuteForm, chosen_problems
from agents.admin.widgets import cells
from agents.admin.widgets.mixins import ReadOnly, TitledList
from agents.admin.widgets.pages import admin_page
from agents.admin.widgets.times import exact
from agents.attention import MUTES, Problem, mute, unmute
from agents.database.clock import DatabaseNow
from agents.models import MAX_ID_LENGTH, Mute
from agents.querysets import read_at

VIEW, CHANGE = "agents.view_agentrecord", "agents.change_agentrecord"
REGISTRY = "the registry"


@admin.display(description="agent", ordering="agent_id")
def subject(mute: Mute) -> SafeString:
    if not mute.agent_id:
        return format_html("{}", REGISTRY)
    return format_html('<a href="{}">{}</a>', cells.agent_url(mute.agent_id), mute.agent_id)


@admin.display(ordering="problem")
def problem(mute: Mute) -> SafeString:
    level = Problem.level_of(mute.problem)
    return format_html('<span class="agent-label level-{}">{}</span>', level, mute.words)


@admin.display(ordering="until")
def until(mute: Mute) -> SafeString:
    return exact(mute.until)


@admin.display(description="muted", ordering="muted_at")
def muted(mute: Mute) -> SafeString:
    return cells.when(mute.muted_at, read_at(mute))


@admin.display(description="by", ordering="muted_by")
def by(mute: Mute) -> str:
    return mute.muted_by


@admin.register(Mute)
class MuteAdmin(ReadOnly, TitledList, ModelAdmin[Mute]):
    """Whoever sees agents sees what is muted; operators mute. The model has no permissions."""

    list_display = [subject, problem, until, muted, by, "reason"]
    list_display_links = None
    ordering = ["until", "pk"]
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["agents/admin.css", "agents/fleet.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.unmute)
        return [path("<int:pk>/unmute/", view, name="agents_mute_unmute"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mute]:
        return Mute.objects.filter(until__gt=DatabaseNow()).annotate(read_at=DatabaseNow())

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.list_display, *([unmute_button] if request.user.has_perm(CHANGE) else [])]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(VIEW))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not request.user.has_perms([VIEW, CHANGE]):
            raise PermissionDenied
        agent_id = request.GET.get("agent", "")
        problems = chosen_problems(request.GET.getlist("problem"))
        overview = reverse("admin:index")
        if not problems or len(agent_id) > MAX_ID_LENGTH or "\0" in agent_id:
            self.message_user(request, "Choose on the overview what to mute.", messages.WARNING)
            return HttpResponseRedirect(overview)
        form = MuteForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self._confirm(request, agent_id, problems, form)
        duration = MUTES[form.cleaned_data["hours"]]
        mute(
            agent_id=agent_id,
            problems=problems,
            duration=duration,
            actor=staff(request.user),
            reason=form.cleaned_data["reason"],
        )
        name = agent_id or REGISTRY
        self.message_user(request, f"Muted: {_words(problems)} of {name}.", messages.SUCCESS)
        return HttpResponseRedirect(overview)

    def unmute(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perms([VIEW, CHANGE]):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ended = unmute(pk, actor=staff(request.user))
        if ended is None:
            self.message_user(request, "That mute has already ended.", messages.WARNING)
        else:
            name = ended.agent_id or REGISTRY
            self.message_user(request, f"Unmuted: {ended.words} of {name}.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:agents_mute_changelist"))

    def _confirm(
        self, request: HttpRequest, agent_id: str, problems: list[Problem], form: MuteForm
    ) -> HttpResponse:
        return admin_page(
            self,
            request,
            "mute.html",
            title=f"Mute {agent_id or REGISTRY}?",
            problems=problems,
            form=form,
            cancel_url=reverse("admin:index"),
        )


@admin.display(description="")
def unmute_button(mute: Mute) -> SafeString:
    """In the form of the list, which has the token."""
    return format_html(
        '<button type="submit" class="fleet-tool" formaction="{}" aria-label="Unmute {} of {}">'
        "Unmute</button>",
        reverse("admin:agents_mute_unmute", args=[mute.pk]),
        mute.words,
        mute.agent_id or REGISTRY,
    )


def _words(problems: list[Problem]) -> str:
    return ", ".join(problem.words for problem in problems)
