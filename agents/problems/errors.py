from rest_framework.exceptions import APIException

from agents.leases import LeaseLocked, StaleLease, UnknownAgent
from agents.tokens.enrollment import IdHeldByAnother
from agents.tokens.lease import InvalidLeaseToken

RETRY_AFTER_SECONDS = "5"
RETRY_SOON_SECONDS = "1"


class AgentNotFound(APIException):
    status_code = 404
    default_detail = "There is no such agent. Register (again)."
    default_code = "unknown_agent"


class NoCard(APIException):
    status_code = 404
    default_detail = "There is no such agent, or it has registered without a card."
    default_code = "no_card"


class NoAgentToPick(APIException):
    status_code = 404
    default_detail = "No matching agent takes work at the moment."
    default_code = "no_agent_to_pick"


class LeaseHeldByAnother(APIException):
    status_code = 409
    default_detail = "A newer registration holds this agent's lease."
    default_code = "stale_lease"


class IdIsTaken(APIException):
    status_code = 409
    default_detail = (
        "An agent that is alive has this id, and another token has registered it. "
        "The id is free when that agent deregisters or its lease ends."
    )
    default_code = "id_is_taken"


class LeaseTokenRefused(APIException):
    status_code = 403
    default_detail = "The lease token was not issued by this registry for this agent."
    default_code = "invalid_lease_token"


class RegistryUnavailable(APIException):
    status_code = 503
    default_detail = "The registry's database does not answer. Try again."
    default_code = "unavailable"


class RecordIsLocked(APIException):
    status_code = 503
    default_detail = "The agent's record is being changed. Try again."
    default_code = "locked"
    retry_after = RETRY_SOON_SECONDS


class TooBusy(APIException):
    status_code = 503
    default_detail = "More requests arrive than can be answered in time. Try again."
    default_code = "busy"
    retry_after = RETRY_SOON_SECONDS


class CursorGone(APIException):
    status_code = 410
    default_detail = (
        "The events after this cursor are no longer all there. List the agents, and go on from the "
        "Registry-Cursor of that answer."
    )
    default_code = "cursor_gone"


TRANSLATIONS: dict[type[Exception], type[APIException]] = {
    UnknownAgent: AgentNotFound,
    StaleLease: LeaseHeldByAnother,
    LeaseLocked: RecordIsLocked,
    IdHeldByAnother: IdIsTaken,
    InvalidLeaseToken: LeaseTokenRefused,
}
