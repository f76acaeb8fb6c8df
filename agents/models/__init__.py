from agents.models.activity import ActivityMark, ActivityMinute
from agents.models.agent import AgentRecord
from agents.models.card import CARD_KEYS, CARD_MARKS, AgentCard, card_in
from agents.models.channel import Channel, Delivery
from agents.models.entry import CatalogEntry
from agents.models.event import BY_STAFF, BY_TOKEN, HAS_LAST_RECORD, AgentEvent
from agents.models.last_count import LastCount, LastFacetCount, LastTagCount
from agents.models.limits import (
    DEFAULT_TTL_SECONDS,
    MAX_ACTOR_LENGTH,
    MAX_ANSWER_LENGTH,
    MAX_CHANNEL_NAME_LENGTH,
    MAX_EXTENSION_REASON_LENGTH,
    MAX_FOR_SECONDS,
    MAX_HOST_LENGTH,
    MAX_ID_LENGTH,
    MAX_NAME_LENGTH,
    MAX_NOTE_LENGTH,
    MAX_PORT,
    MAX_REASON_LENGTH,
    MAX_SUMMARY_ABOVE,
    MAX_SUMMARY_SECONDS,
    MAX_TOKEN_NAME_LENGTH,
    MAX_TTL_SECONDS,
    MAX_URL_LENGTH,
    MAX_VERSION_LENGTH,
    MAX_VIEW_NAME_LENGTH,
    MAX_VIEW_QUERY_LENGTH,
    SHORT_TTL_SECONDS,
    TOKEN_KEY_LENGTH,
)
from agents.models.lookout import Lookout
from agents.models.mute import Mute
from agents.models.probe import (
    FAILS,
    AgentProbe,
    ProbedAt,
    ProbeFinds,
    ProbeMark,
    ProbeReason,
    ProbeVerdict,
)
from agents.models.rule import DispatchMark, HeldEvent, Rule
from agents.models.saved_view import SavedView
from agents.models.sweep import SweepMark, Uptime
from agents.models.token import AccessToken
from agents.models.undo import Undo

__all__ = [
    "BY_STAFF",
    "BY_TOKEN",
    "CARD_KEYS",
    "CARD_MARKS",
    "DEFAULT_TTL_SECONDS",
    "FAILS",
    "HAS_LAST_RECORD",
    "MAX_ACTOR_LENGTH",
    "MAX_ANSWER_LENGTH",
    "MAX_CHANNEL_NAME_LENGTH",
    "MAX_EXTENSION_REASON_LENGTH",
    "MAX_FOR_SECONDS",
    "MAX_HOST_LENGTH",
    "MAX_ID_LENGTH",
    "MAX_NAME_LENGTH",
    "MAX_NOTE_LENGTH",
    "MAX_PORT",
    "MAX_REASON_LENGTH",
    "MAX_SUMMARY_ABOVE",
    "MAX_SUMMARY_SECONDS",
    "MAX_TOKEN_NAME_LENGTH",
    "MAX_TTL_SECONDS",
    "MAX_URL_LENGTH",
    "MAX_VERSION_LENGTH",
    "MAX_VIEW_NAME_LENGTH",
    "MAX_VIEW_QUERY_LENGTH",
    "SHORT_TTL_SECONDS",
    "TOKEN_KEY_LENGTH",
    "AccessToken",
    "ActivityMark",
    "ActivityMinute",
    "AgentCard",
    "AgentEvent",
    "AgentProbe",
    "AgentRecord",
    "CatalogEntry",
    "Channel",
    "Delivery",
    "DispatchMark",
    "HeldEvent",
    "LastCount",
    "LastFacetCount",
    "LastTagCount",
    "Lookout",
    "Mute",
    "ProbeFinds",
    "ProbeMark",
    "ProbeReason",
    "ProbeVerdict",
    "ProbedAt",
    "Rule",
    "SavedView",
    "SweepMark",
    "Undo",
    "Uptime",
    "card_in",
]
