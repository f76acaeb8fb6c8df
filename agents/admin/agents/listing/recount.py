from django.db import Error
from django.template.response import TemplateResponse

from agents.database.availability import log_unavailable
from agents.leases.fleet.facet_counts import count_facets_for_all


class RecountsFacets(TemplateResponse):
    """Counts all agents for the next pages. The server closes it when it is sent."""

    def close(self) -> None:
        try:
            count_facets_for_all()
        except Error as error:
            log_unavailable(error)
        finally:
            super().close()
