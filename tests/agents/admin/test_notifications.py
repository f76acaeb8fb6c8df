"""The admin's pages for notification channels, rules and deliveries."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from standardwebhooks import Webhook

from agents.database.clock import database_now
from agents.encryption import decrypt
from agents.history.record import Kind, record_event
from agents.models import AgentEvent, Channel, Delivery, Rule
from agents.notifications import messages
from agents.outbound.networks import Networks
from tests.agents.notifications.setup import dispatch_all, make_channel, make_rule
from tests.agents.receiver import Receiver, Reply, receiving
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

CHANNELS = "/admin/agents/channel/"
RULES = "/admin/agents/rule/"
DELIVERIES = "/admin/agents/delivery/"
HOOK = {"name": "hooks", "kind": "webhook", "url": "https://hooks.example/T0/secret-path"}
RULE = {
    "name": "deaths",
    "is_enabled": "on",
    "events": ["expired"],
    "filter": "",
    "for_seconds": "0",
    "summary_above": "10",
    "summary_seconds": "30",
    "quiet_from": "",
    "quiet_until": "",
    "time_zone": "UTC",
}
Staff = Callable[..., Client]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.NOTIFICATION_NETWORKS = Networks.parse(["127.0.0.1"])
    with receiving() as receiver:
        yield receiver


def page(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return str(answer.content.decode())


def page_of(channel: Channel) -> str:
    return f"{CHANNELS}{channel.pk}/change/"


def errors(client: Client, url: str, data: dict[str, Any]) -> dict[str, list[str]]:
    answer = client.post(url, data)
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


def shown_messages(client: Client, url: str, data: dict[str, Any]) -> str:
    answer = client.post(url, data, follow=True)
    return " ".join(str(one) for one in answer.context["messages"])


class TestChannels:
    def test_the_secret_of_a_new_webhook_is_shown_once(self, admin_client: Client) -> None:
        answer = admin_client.post(f"{CHANNELS}add/", HOOK | {"is_enabled": "on"}, follow=True)

        assert answer.status_code == 200
        secret = answer.context["text"]
        assert answer.content.decode().count(secret) == 1
        assert "no-store" in answer["Cache-Control"]
        channel = Channel.objects.get()
        assert decrypt(channel.encrypted_secret) == secret
        assert decrypt(channel.encrypted_url) == HOOK["url"]
        assert channel.created_by == "admin:admin"
        for url in (CHANNELS, page_of(channel), f"{CHANNELS}{channel.pk}/history/", "/admin/"):
            text = page(admin_client, url)
            assert secret not in text
            assert "secret-path" not in text
        assert "https://hooks.example/..." in page(admin_client, page_of(channel))
        for session in Session.objects.all():
            assert secret not in str(session.get_decoded())
        assert secret not in str(list(LogEntry.objects.values()))

    def test_an_apprise_url_is_checked_and_shown_without_its_secrets(
        self, admin_client: Client
    ) -> None:
        data = {"name": "mail", "kind": "apprise", "is_enabled": "on"}
        url = "mailtos://user:hunter22@mail.example?to=ops@agents.example"
        answer = admin_client.post(f"{CHANNELS}add/", data | {"url": url})

        assert answer.status_code == 302
        channel = Channel.objects.get()
        assert decrypt(channel.encrypted_url) == url
        assert "mail.example" in channel.shown_url
        assert "hunter22" not in channel.shown_url
        assert channel.encrypted_secret == ""

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"url": ""}, "Enter a URL of this kind."),
            ({"url": "hooks.example"}, "The URL must begin with http:// or https://."),
            ({"url": "https://u:p@hooks.example/"}, "must not have a user name or password"),
            ({"url": "http://127.0.0.1/"}, "127.0.0.1 is not in the allowed networks (public)"),
            ({"url": "http://[::ffff:10.0.0.1]/"}, "is not in the allowed networks"),
            ({"url": "https://hooks.example/" + "x" * 2000}, "at most 2000 characters"),
            ({"kind": "apprise", "url": "nothing://x"}, "It is no URL of a service"),
            ({"kind": "apprise", "url": "dbus://"}, "Dbus:// acts on the registry's own machine."),
        ],
    )
    def test_what_is_wrong_with_a_url_is_said_beside_it(
        self, admin_client: Client, changes: dict[str, str], problem: str
    ) -> None:
        found = errors(admin_client, f"{CHANNELS}add/", HOOK | changes)

        assert list(found) == ["url"]
        assert problem in found["url"][0]
        assert not Channel.objects.exists()

    def test_an_empty_url_keeps_the_present_one(self, admin_client: Client) -> None:
        channel = make_channel()
        before = Channel.objects.values("encrypted_url", "encrypted_secret").get()
        data = {"name": "renamed", "kind": "webhook", "url": "", "is_enabled": "on"}
        assert admin_client.post(page_of(channel), data).status_code == 302

        assert Channel.objects.get().name == "renamed"
        assert Channel.objects.values("encrypted_url", "encrypted_secret").get() == before

    def test_a_form_does_not_overwrite_what_workers_write(self, admin_client: Client) -> None:
        channel = make_channel()
        Channel.objects.update(delivered_total=7, failures=2, failing_since=database_now())
        data = {"name": "renamed", "kind": "webhook", "url": "", "is_enabled": "on"}
        admin_client.post(page_of(channel), data)

        assert Channel.objects.filter(delivered_total=7, failures=2).exists()

    def test_another_kind_needs_another_url(self, admin_client: Client) -> None:
        channel = make_channel()
        data = {"name": "hooks", "kind": "apprise", "url": "", "is_enabled": "on"}

        assert list(errors(admin_client, page_of(channel), data)) == ["url"]

    def test_enabling_a_channel_gives_it_a_new_start(self, admin_client: Client) -> None:
        channel = make_channel(
            is_enabled=False,
            disabled_reason="no success for 24 h",
            failures=9,
            failing_since=database_now(),
            retry_at=database_now(),
        )
        assert "no success for 24 h" in page(admin_client, page_of(channel))
        data = {"name": "hooks", "kind": "webhook", "url": "", "is_enabled": "on"}
        admin_client.post(page_of(channel), data)

        channel.refresh_from_db()
        assert (channel.is_enabled, channel.failures, channel.retry_at) == (True, 0, None)

    @pytest.mark.parametrize(
        ("fields", "state"),
        [
            ({}, "ok"),
            ({"is_enabled": False}, "disabled"),
            ({"failures": 3, "last_error": "<b>500</b>"}, "failing"),
        ],
    )
    def test_the_list_shows_how_channels_are(
        self, admin_client: Client, fields: dict[str, Any], state: str
    ) -> None:
        if "failures" in fields:
            fields["failing_since"] = database_now()
        make_channel(**fields)

        text = page(admin_client, CHANNELS)

        assert f">{state}</span>" in text
        assert "<b>500" not in text

    def test_deleting_a_channel_deletes_its_log(self, admin_client: Client) -> None:
        rule = make_rule("drained", channel=make_channel())
        record_event(Kind("drained"), agent_id="a", actor="agent")
        dispatch_all()
        url = f"{CHANNELS}{Channel.objects.get().pk}/delete/"
        assert "its log of 1 message" in page(admin_client, url)

        admin_client.post(url, {"post": "yes"})

        assert not Channel.objects.exists()
        assert not Delivery.objects.exists()
        assert rule.channels.count() == 0


class TestOperations:
    def test_a_test_is_sent_at_once_and_its_answer_shown(
        self, admin_client: Client, receiver: Receiver
    ) -> None:
        channel = make_channel(url=receiver.url)
        receiver.script = lambda _: Reply(202, body=b"thanks <b>")

        text = shown_messages(admin_client, f"{CHANNELS}{channel.pk}/test/", {})

        assert text == "The test was delivered: 202 Accepted thanks <b>"
        verified = Webhook(decrypt(channel.encrypted_secret)).verify(
            receiver.received[0].body, dict(receiver.received[0].headers)
        )
        assert verified["type"] == "test"
        assert Delivery.objects.get().state == "delivered"

    def test_a_test_that_fails_says_why_and_is_not_tried_again(
        self, admin_client: Client, receiver: Receiver
    ) -> None:
        channel = make_channel(url=receiver.url, is_enabled=False)
        receiver.script = lambda _: Reply(500)

        text = shown_messages(admin_client, f"{CHANNELS}{channel.pk}/test/", {})

        assert text == "The test was not delivered: 500 Internal Server Error"
        assert Delivery.objects.get().state == "given-up"

    def test_a_channel_is_muted_and_unmuted(self, admin_client: Client) -> None:
        channel = make_channel()
        url = f"{CHANNELS}{channel.pk}/mute/"
        assert "Muted until" in shown_messages(admin_client, url, {"hours": "24"})
        until = Channel.objects.get().muted_until
        assert until is not None
        assert timedelta(hours=23) < until - database_now() <= timedelta(hours=24)
        assert ">muted</span>" in page(admin_client, CHANNELS)
        assert "Choose for how long" in shown_messages(admin_client, url, {"hours": "-1"})
        assert "Unmuted" in shown_messages(admin_client, url, {"hours": "0"})

        assert Channel.objects.get().muted_until is None

    def test_a_channel_is_muted_until_a_moment(self, admin_client: Client) -> None:
        channel = make_channel()
        data = {"name": "hooks", "kind": "webhook", "url": "", "is_enabled": "on"}
        until = {"muted_until_0": "2100-01-01", "muted_until_1": "12:00"}
        assert admin_client.post(page_of(channel), data | until).status_code == 302

        assert str(Channel.objects.get().muted_until) == "2100-01-01 12:00:00+00:00"

    def test_a_new_secret_is_shown_once(self, admin_client: Client) -> None:
        channel = make_channel()
        old = decrypt(channel.encrypted_secret)

        url = f"{CHANNELS}{channel.pk}/secret/"
        asked = admin_client.post(url).content.decode()
        assert "Make a new secret for hooks?" in asked
        assert "stops signing at once" not in asked
        assert Channel.objects.get().encrypted_secret == channel.encrypted_secret

        answer = admin_client.post(url, {"confirmed": "yes"}, follow=True)
        shown = answer.redirect_chain[-1][0]
        assert "A secret is shown only once." in admin_client.get(shown, follow=True).text

        assert "stops signing at once" in admin_client.post(url).content.decode()
        channel.refresh_from_db()
        assert decrypt(channel.encrypted_secret) == answer.context["text"] != old
        assert decrypt(channel.encrypted_old_secret) == old
        assert "webhooks are signed with the old secret too" in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.parametrize("name", ["test", "mute", "secret"])
    def test_they_need_the_right_to_change_and_a_post(self, staff: Staff, name: str) -> None:
        channel = make_channel()
        client = staff("view_channel")
        url = f"{CHANNELS}{channel.pk}/{name}/"

        assert client.post(url).status_code == 403
        assert "Send a test" not in page(client, page_of(channel))
        assert client.get(url).status_code == 403


class TestRules:
    def test_a_rule_is_made(self, admin_client: Client) -> None:
        channel = make_channel()
        AgentFactory.create(tags=["gpu"])
        AgentFactory.create()
        record_event(Kind.EXPIRED, agent_id="a", actor="registry")
        data = RULE | {"channels": [channel.pk], "filter": "?tag=gpu", "quiet_from": "22:00"}

        text = shown_messages(admin_client, f"{RULES}add/", data | {"quiet_until": "07:00"})

        rule = Rule.objects.get()
        assert "The filter matches 1 agent now." in text
        assert (rule.events, rule.filter) == (["expired"], "tag=gpu")
        assert rule.begins_after == AgentEvent.objects.latest("pk").pk
        listed = page(admin_client, RULES)
        assert "22:00 to 07:00 UTC" in listed
        assert "hooks" in listed

    @pytest.mark.parametrize(
        ("changes", "field", "problem"),
        [
            ({"events": []}, "events", "This field is required."),
            ({"events": ["exploded"]}, "events", "exploded is not one of the available choices"),
            ({"channels": []}, "channels", "This field is required."),
            ({"filter": "tags=gpu"}, "filter", "There is no parameter “tags”. Known are: host"),
            ({"filter": "gpu"}, "filter", "It is written as in a URL"),
            ({"filter": "status=ready"}, "filter", "Rules cannot filter by status."),
            ({"filter": "version=%3Eone"}, "filter", "version: "),
            ({"filter": "tag=a%00b"}, "filter", "NUL"),
            ({"filter": "state=sleeping"}, "filter", "state: “sleeping”"),
            ({"quiet_from": "22:00"}, "quiet_until", "Quiet hours need a start and an end."),
            ({"time_zone": "Mars/Olympus"}, "time_zone", "not one of the available choices"),
            ({"for_seconds": "-1"}, "for_seconds", "greater than or equal to 0"),
            ({"for_seconds": "604801"}, "for_seconds", "less than or equal to 604800"),
            (
                {"for_seconds": "60", "events": ["expired", "refused"]},
                "for_seconds",
                "These begin no state: refused.",
            ),
            (
                {"filter": "tag=gpu", "events": ["expired", "purge-held"]},
                "filter",
                "no filter matches: purge-held.",
            ),
        ],
    )
    def test_what_is_wrong_is_said_beside_the_field(
        self, admin_client: Client, changes: dict[str, Any], field: str, problem: str
    ) -> None:
        data = RULE | {"channels": [make_channel().pk]} | changes

        found = errors(admin_client, f"{RULES}add/", data)

        assert list(found) == [field]
        assert problem in found[field][0]

    def test_a_form_does_not_overwrite_what_the_dispatcher_writes(
        self, admin_client: Client
    ) -> None:
        rule = make_rule("expired", name="deaths", summary_above=10)
        Rule.objects.update(window_count=7, window_until=database_now())
        data = RULE | {"name": "renamed", "channels": [Channel.objects.get().pk]}
        assert admin_client.post(f"{RULES}{rule.pk}/change/", data).status_code == 302

        assert Rule.objects.filter(name="renamed", window_count=7).exists()


class TestDeliveries:
    @pytest.fixture
    def delivery(self) -> Delivery:
        make_rule("drained", channel=make_channel(), name="drains")
        record_event(Kind("drained"), agent_id="agent <1>", actor="admin:ada", reason="<script>")
        dispatch_all()
        return Delivery.objects.get()

    def test_the_log_shows_messages_and_their_answers(
        self, admin_client: Client, delivery: Delivery
    ) -> None:
        Delivery.objects.update(answer="<i>500</i>", attempts=3)

        listed = page(admin_client, DELIVERIES)
        text = page(admin_client, f"{DELIVERIES}{delivery.pk}/change/")

        for shown in (listed, text):
            assert "agent.drained" in shown
            assert "drains" in shown
            assert "&lt;i&gt;500" in shown
            assert "<script>" not in re.sub(r"<script [^>]*>", "", shown)
        assert delivery.message_id in text
        assert "admin:ada" in text

    @pytest.mark.usefixtures("delivery")
    def test_it_finds_the_messages_of_an_agent(self, admin_client: Client) -> None:
        assert "agent.drained" in page(admin_client, f"{DELIVERIES}?q=agent+%3C1%3E")
        assert "0 notification deliveries" in page(admin_client, f"{DELIVERIES}?q=agent")

    def test_messages_are_sent_again(self, admin_client: Client, delivery: Delivery) -> None:
        Delivery.objects.update(state="given-up", attempts=9)
        data = {"action": "resend", "_selected_action": [delivery.pk]}

        text = shown_messages(admin_client, DELIVERIES, data)

        assert text == "1 message will be sent again."
        assert Delivery.objects.filter(state="waiting", attempts=0).exists()
        assert Delivery.objects.get().message_id == delivery.message_id

    def test_the_log_cannot_be_changed(self, staff: Staff, delivery: Delivery) -> None:
        client = staff("view_delivery")

        assert "resend" not in page(client, DELIVERIES)
        assert client.get(f"{DELIVERIES}add/").status_code == 403
        assert client.post(f"{DELIVERIES}{delivery.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("fields", "is_shown"),
    [
        ({"failures": 3, "failing_since": timedelta(minutes=11)}, True),
        ({"failures": 3, "failing_since": timedelta(minutes=9)}, False),
        ({"is_enabled": False, "disabled_reason": "no success for 24 h"}, True),
        ({"is_enabled": False}, False),
        ({}, False),
    ],
)
def test_the_overview_names_channels_that_fail(
    admin_client: Client, fields: dict[str, Any], is_shown: bool
) -> None:
    if "failing_since" in fields:
        fields["failing_since"] = database_now() - fields["failing_since"]
    make_channel("on call", **fields)

    html = page(admin_client, "/admin/")

    assert ("Notifications do not reach 1 channel: on call" in html) == is_shown


def test_the_link_to_the_history_is_that_of_the_admin() -> None:
    assert reverse("admin:agents_agentevent_changelist") == messages.HISTORY


def test_the_navigation_shows_what_one_may_see(staff: Staff) -> None:
    text = page(staff("view_channel", "view_delivery"), CHANNELS)

    assert ">Notifications</a>" in text
    assert DELIVERIES in text
    assert RULES not in text


def test_a_new_channel_may_come_with_a_rule_about_expiries(admin_client: Client) -> None:
    told = {"tell_expiries": "on", "tell_filter": "?tag=pci"}
    admin_client.post(f"{CHANNELS}add/", HOOK | told)
    admin_client.post(f"{CHANNELS}add/", HOOK | {"name": "quiet"})

    rule = Rule.objects.get()
    assert (rule.name, rule.events, rule.filter) == ("hooks", ["expired"], "tag=pci")
    assert [channel.name for channel in rule.channels.all()] == ["hooks"]


def test_a_wrong_filter_of_that_rule_is_refused(admin_client: Client) -> None:
    wrong = HOOK | {"tell_expiries": "on", "tell_filter": "tags=pci"}
    answer = admin_client.post(f"{CHANNELS}add/", wrong)
    assert "There is no parameter" in answer.content.decode()
    assert not Channel.objects.exists()
