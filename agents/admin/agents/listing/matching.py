from typing import cast

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from agents.admin.agents.listing.changelist import MatchingAgents
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet


class Matching(ModelAdmin[AgentRecord]):
    def matching_agents(self, request: HttpRequest) -> AgentQuerySet:
        """Return the agents of the list with this query. Raise IncorrectLookupParameters."""
        changelist = MatchingAgents(
            request,
            self.model,
            self.get_list_display(request),
            self.list_display_links,
            self.list_filter,
            self.date_hierarchy,
            self.search_fields,
            self.list_select_related,
            self.list_per_page,
            self.list_max_show_all,
            self.list_editable,
            self,
            self.sortable_by,
            self.search_help_text,
        )
        return cast("AgentQuerySet", changelist.queryset)
