from collections.abc import Sequence

from agents import leases
from agents.fast_path import group_commit
from agents.heartbeats.calls import Call
from agents.leases import Renewal


class GroupCommit(group_commit.GroupCommit[Call]):
    name = "heartbeat"

    def write(self, calls: Sequence[Call]) -> None:
        renewals: list[Renewal] = []
        for call in calls:
            renewals += call.pending()
        outcomes = leases.renew_many(renewals, waits=False)
        begin = 0
        for call in calls:
            end = begin + call.size
            call.record(outcomes[begin:end])
            begin = end
