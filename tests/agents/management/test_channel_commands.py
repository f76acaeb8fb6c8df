"""add_channel and encrypt_again."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from agents.encryption import decrypt
from agents.history.record import Kind, record_event
from agents.models import Channel, Delivery, Rule
from tests.agents.notifications.setup import dispatch_all, make_channel

pytestmark = pytest.mark.django_db

URL = "https://hooks.example/path"


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def test_a_channel_is_made_with_a_rule_that_works() -> None:
    options = ["--event=expired", "--event=drained", "--filter=search=pain", "--each"]
    text = run("add_channel", "ops", URL, *options)
    record_event(Kind("drained"), agent_id="painter", actor="agent")
    record_event(Kind.EXPIRED, agent_id="other", actor="agent")
    dispatch_all()

    channel, rule = Channel.objects.get(), Rule.objects.get()
    assert "sends to https://hooks.example/..." in text
    assert decrypt(channel.encrypted_secret) in text
    assert decrypt(channel.encrypted_url) == URL
    assert (rule.name, rule.summary_above, channel.created_by) == ("ops", None, "command")
    assert not Delivery.objects.exists()  # neither agent has a record


def test_quietly_only_the_secret_is_printed() -> None:
    text = run("add_channel", "ops", URL, "--quiet")

    assert text.startswith("whsec_")
    assert text.count("\n") == 1


def test_a_rule_can_wait_and_summarise() -> None:
    run("add_channel", "ops", URL, "--event=expired", "--for=60")

    rule = Rule.objects.get()
    assert (rule.for_seconds, rule.summary_above) == (60, 10)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["taken", URL], "argument name: There is a channel “taken” already."),
        (["new", "hooks.example"], "argument url: The URL must begin with http:// or https://."),
        (["new", URL, "--event=expired", "--filter=tags=x"], "argument --filter: There is no"),
        (["new", URL, "--event=refused", "--for=5"], "argument --for: These begin no state"),
        (["new", URL, "--event=exploded"], "invalid choice: 'exploded'"),
    ],
)
def test_what_cannot_be_is_refused_as_a_whole(arguments: list[str], problem: str) -> None:
    make_channel("taken")

    with pytest.raises(CommandError, match=problem):
        run("add_channel", *arguments)

    assert Channel.objects.count() == 1


def test_secrets_are_encrypted_again_by_the_new_key(settings: Settings) -> None:
    channel = make_channel(url=URL)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert run("encrypt_again") == "Channels encrypted again: 1\n"
    settings.SECRET_KEY_FALLBACKS = []

    channel.refresh_from_db()
    assert decrypt(channel.encrypted_url) == URL
    assert decrypt(channel.encrypted_secret).startswith("whsec_")


def test_channels_that_no_key_decrypts_are_named(settings: Settings) -> None:
    make_channel("lost")
    settings.SECRET_KEY = "new"
    make_channel("good")

    with pytest.raises(CommandError, match="No key decrypts these channels: lost"):
        run("encrypt_again")
