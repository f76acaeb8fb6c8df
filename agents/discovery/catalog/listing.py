"""``GET /ard/agents``: entries in an order, page by page."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from agents.discovery.catalog.entries import entries_of, with_what_entries_show
from agents.discovery.catalog.requests import matching_expression
from agents.discovery.catalog.tokens import BAD_TOKEN
from agents.discovery.pages import PageQuery, read_cursor
from agents.discovery.sorting import Order
from agents.serializers.agent_sql import ALL

# Generations ascend with the time of registration.
ORDERS = {
    "identifier": "agent_id",
    "displayName": "agent_name",
    "name": "agent_name",
    "createdAt": "registered_at",
    "created_at": "registered_at",
    "updatedAt": "generation",
    "updated_at": "generation",
}
DIRECTIONS = {"": "", "asc": "", "desc": "-"}


def list_entries(query: Mapping[str, Any]) -> dict[str, Any]:
    """`query`: of a ListingSerializer. Raise ValidationError."""
    agents = matching_expression(query.get("filter"))
    order = _order(query.get("orderBy", ""))
    token = query.get("pageToken")
    after = None if token is None else read_cursor(token, order, "pageToken", BAD_TOKEN)
    page = PageQuery(query["pageSize"], order, ALL, after)
    records, next_after = page.read_records(with_what_entries_show(agents))
    answer: dict[str, Any] = {"items": entries_of(records), "total": agents.count()}
    if next_after is not None:
        answer["pageToken"] = page.cursor(next_after)
    return answer


def _order(text: str) -> Order:
    names = []
    for part in text.split(",") if text.strip() else ():
        name, _, direction = part.strip().partition(" ")
        if name not in ORDERS or direction.strip().lower() not in DIRECTIONS:
            known = ", ".join(ORDERS)
            problem = f"Give fields with or without DESC, separated by commas. Known are: {known}."
            raise serializers.ValidationError({"orderBy": [problem]})
        names.append(DIRECTIONS[direction.strip().lower()] + ORDERS[name])
    return Order(names)
