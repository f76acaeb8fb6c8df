from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from agents.models import AccessToken
from tests.browser.devtools import Tab

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def test_a_token_is_copied_by_a_button_and_a_reload_issues_no_other(
    open_tab: Callable[[], Tab], live_server: LiveServer, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("grace"))
    tab = open_tab()
    session = client.cookies["sessionid"].value
    tab.call("Network.setCookie", name="sessionid", value=session, url=live_server.url)
    tab.call("Page.navigate", url=f"{live_server.url}/admin/agents/accesstoken/add/")
    tab.wait_for("document.getElementById('id_name') !== null")
    tab.evaluate(
        "document.getElementById('id_name').value = 'weather';"
        "document.querySelector('#accesstoken_form [type=submit]').click()"
    )
    tab.wait_for("document.querySelector('[data-copy]')?.hidden === false")
    tab.evaluate(
        "document.execCommand = command => {"
        "  window.copied = [command, document.activeElement.value ?? getSelection().toString()];"
        "};"
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.querySelector('[data-copy]').click()"
    )
    tab.wait_for("document.querySelector('[data-copy]').textContent === 'Copied'")
    shown = tab.evaluate("document.getElementById('secret-text').textContent")
    assert tab.evaluate("window.copied") == ["copy", shown]

    tab.call("Page.reload")
    tab.wait_for("document.body.textContent.includes('A token is shown only once.')")
    assert shown not in tab.evaluate("document.documentElement.outerHTML")
    assert AccessToken.objects.count() == 1
