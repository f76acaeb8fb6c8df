"""Sign-in by OpenID Connect, with a provider that is called by HTTP."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from registry_project.models import Identity
from registry_project.security.oidc import provider as provider_module
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider

pytestmark = pytest.mark.django_db

BEGIN, CALLBACK = "/admin/oidc/begin/", "/admin/oidc/callback/"
ROLES = {"Viewer": {"staff"}, "Operator": {"ops", "night-ops"}, "Admin": {"admins"}}


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    with openid_provider() as provider:
        settings.OIDC_ISSUER = provider.url
        settings.OIDC_ORIGINS = [provider.url]
        settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
        settings.OIDC_ROLES = ROLES
        settings.AUTHENTICATION_BACKENDS = [
            *settings.AUTHENTICATION_BACKENDS,
            "registry_project.security.oidc.backend.CompanyBackend",
        ]
        yield provider
    provider_module._kept.clear()


def to_provider(client: Client, path: str = BEGIN) -> str:
    """Begin a sign-in; return the provider's address."""
    answer = client.get(path)
    assert answer.status_code == 302
    return str(answer["Location"])


def back(client: Client, address: str) -> HttpResponse:
    """Follow the provider's redirect back to the registry."""
    answer = httpx.get(address)
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == CALLBACK
    return client.get(f"{parts.path}?{parts.query}")  # type: ignore[return-value]


def sign_in(client: Client, provider: Provider, name: str = "grace", path: str = BEGIN) -> Any:
    provider.signed_in = name
    return back(client, to_provider(client, path))


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


class TestRoles:
    def test_a_person_gets_the_roles_of_their_groups(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops", "staff", "chess", given_name="Grace", family_name="Hopper")

        answer = sign_in(client, provider)

        assert answer["Location"] == "/admin/"
        user = User.objects.get(username="grace")
        assert {group.name for group in user.groups.all()} == {"Operator", "Viewer"}
        assert (user.is_staff, user.is_superuser) == (True, False)
        assert (user.email, user.get_full_name()) == ("grace@example.com", "Grace Hopper")
        assert not user.has_usable_password()
        page = client.get("/admin/").content.decode()
        assert '<span class="role">Operator</span>' in page

    def test_a_person_goes_on_to_the_page_they_wanted(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")

        answer = sign_in(client, provider, path=f"{BEGIN}?next=/admin/agents/agentevent/")

        assert answer["Location"] == "/admin/agents/agentevent/"

    def test_nobody_is_sent_to_another_website(self, client: Client, provider: Provider) -> None:
        provider.add("grace", "ops")

        answer = sign_in(client, provider, path=f"{BEGIN}?next=https://evil.example/")

        assert answer["Location"] == "/admin/"

    def test_roles_follow_the_groups_at_each_sign_in(
        self, client: Client, provider: Provider
    ) -> None:
        person = provider.add("grace", "admins")
        sign_in(client, provider)
        user = User.objects.get()
        user.is_superuser = True
        user.save()
        user.user_permissions.add(Permission.objects.first())  # type: ignore[arg-type]
        user.groups.add(Group.objects.create(name="By hand"))
        person.claims["groups"] = ["staff"]

        sign_in(Client(), provider)

        user.refresh_from_db()
        assert [group.name for group in user.groups.all()] == ["Viewer"]
        assert not user.user_permissions.exists()
        assert not user.is_superuser

    def test_a_person_without_a_group_loses_the_role_and_every_session(
        self, client: Client, provider: Provider
    ) -> None:
        person = provider.add("grace", "admins")
        sign_in(client, provider)
        person.claims["groups"] = []

        answer = sign_in(Client(), provider)

        assert answer.status_code == 403
        assert "none of your groups has a role" in answer.content.decode()
        user = User.objects.get()
        assert not user.groups.exists()
        assert not user.is_staff
        assert client.get("/admin/")["Location"].startswith("/admin/login/")

    def test_a_stranger_without_a_role_leaves_no_account(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("mallory", "chess")

        assert sign_in(client, provider, "mallory").status_code == 403
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        ("claim", "sent"),
        [
            ("realm_access.roles", {"realm_access": {"roles": ["ops"]}}),
            ("https://example.com/roles", {"https://example.com/roles": "ops"}),
            ("hd", {"hd": "ops"}),
        ],
    )
    def test_the_claim_may_be_a_path_or_a_single_value(
        self,
        client: Client,
        provider: Provider,
        settings: Settings,
        claim: str,
        sent: dict[str, Any],
    ) -> None:
        settings.OIDC_ROLES_CLAIM = claim
        provider.add("grace", **sent)

        sign_in(client, provider)

        assert [group.name for group in User.objects.get().groups.all()] == ["Operator"]

    def test_groups_may_be_in_userinfo_only(self, client: Client, provider: Provider) -> None:
        provider.add("grace", "ops")
        provider.in_userinfo_only = {"groups"}

        sign_in(client, provider)

        assert User.objects.get().is_staff

    def test_a_role_without_a_group_here_is_logged_and_gives_nothing(
        self, client: Client, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        Group.objects.get(name="Operator").delete()
        provider.add("grace", "ops")

        assert sign_in(client, provider).status_code == 403
        assert "groups that do not exist: Operator" in caplog.text


class TestPeople:
    def test_a_person_is_known_by_the_subject_whatever_the_name(
        self, client: Client, provider: Provider
    ) -> None:
        person = provider.add("grace", "ops")
        sign_in(client, provider)
        person.claims |= {"preferred_username": "g.hopper", "email": "new@example.com"}

        sign_in(Client(), provider)

        assert User.objects.get().username == "grace"
        assert User.objects.get().email == "new@example.com"

    @pytest.mark.parametrize("name", ["root", "ROOT"])
    def test_an_account_here_is_never_taken_over(
        self, client: Client, provider: Provider, admin_user: User, name: str
    ) -> None:
        User.objects.filter(pk=admin_user.pk).update(username="root")
        provider.add(name, "admins")

        answer = sign_in(client, provider, name)

        assert answer.status_code == 403
        assert f"Another account of this registry has the name {name}" in answer.content.decode()
        assert not Identity.objects.exists()

    def test_a_name_that_passes_to_somebody_else_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        person = provider.add("grace", "ops")
        sign_in(client, provider)
        person.subject = "somebody-else"

        assert sign_in(Client(), provider).status_code == 403

    @pytest.mark.parametrize("name", ["", "<b>", "a b", None, ["grace"]])
    def test_a_name_that_cannot_be_used_is_refused(
        self, client: Client, provider: Provider, name: Any
    ) -> None:
        provider.add("grace", "ops", preferred_username=name)

        assert sign_in(client, provider).status_code == 403

    def test_a_mail_address_as_name_must_be_verified(
        self, client: Client, provider: Provider, settings: Settings
    ) -> None:
        settings.OIDC_USERNAME_CLAIM = "email"
        person = provider.add("grace", "ops", email_verified=False)

        assert sign_in(client, provider).status_code == 403
        person.claims["email_verified"] = True
        assert sign_in(client, provider).status_code == 302
        assert User.objects.get().username == "grace@example.com"

    def test_a_disabled_account_stays_out(self, client: Client, provider: Provider) -> None:
        provider.add("grace", "ops")
        sign_in(client, provider)
        User.objects.update(is_active=False)

        answer = sign_in(Client(), provider)

        assert answer.status_code == 403
        assert "disabled" in answer.content.decode()


class TestChecks:
    @pytest.mark.usefixtures("provider")
    def test_each_sign_in_has_its_own_state_nonce_and_challenge(self, client: Client) -> None:
        first, second = query_of(to_provider(client)), query_of(to_provider(client))

        assert first["code_challenge_method"] == "S256"
        assert first["scope"] == "openid email profile"
        for name in ("state", "nonce", "code_challenge"):
            assert len(first[name]) >= 32
            assert first[name] != second[name]

    @pytest.mark.parametrize(
        "forged",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"iss": "https://evil.example"},
            {"aud": "another-client"},
            {"aud": [CLIENT_ID, "another-client"]},
            {"azp": "another-client"},
            {"exp": 1},
            {"exp": None},
            {"sub": None},
            {"nbf": 2**33},
        ],
    )
    def test_a_token_with_a_wrong_claim_is_refused(
        self, client: Client, provider: Provider, forged: dict[str, Any]
    ) -> None:
        provider.add("grace", "ops")
        provider.forged = forged

        assert sign_in(client, provider).status_code == 403
        assert not User.objects.exists()

    def test_a_token_signed_by_another_key_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")
        provider.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

        assert sign_in(client, provider).status_code == 403

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_a_token_of_another_algorithm_is_refused(
        self, client: Client, provider: Provider, algorithm: str
    ) -> None:
        provider.add("grace", "ops")
        provider.algorithm = algorithm
        provider.signing_key = None if algorithm == "none" else CLIENT_SECRET * 3

        assert sign_in(client, provider).status_code == 403

    def test_a_code_is_redeemed_with_the_verifier_of_its_own_sign_in(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")
        provider.signed_in = "grace"
        other = httpx.get(to_provider(Client())).headers["Location"]
        state = query_of(to_provider(client))["state"]

        answer = client.get(CALLBACK, {"code": query_of(other)["code"], "state": state})

        assert answer.status_code == 403
        assert not User.objects.exists()

    def test_a_sign_in_begun_in_another_browser_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("mallory", "ops")
        provider.signed_in = "mallory"
        address = to_provider(Client())

        answer = back(client, address)

        assert answer.status_code == 403
        assert "not begun in this browser" in answer.content.decode()

    def test_an_answer_cannot_be_used_twice(self, client: Client, provider: Provider) -> None:
        provider.add("grace", "ops")
        provider.signed_in = "grace"
        location = urlsplit(httpx.get(to_provider(client)).headers["Location"])
        client.get(f"{CALLBACK}?{location.query}")

        assert client.get(f"{CALLBACK}?{location.query}").status_code == 403

    def test_an_answer_that_names_another_issuer_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")
        provider.signed_in = "grace"
        location = urlsplit(httpx.get(to_provider(client)).headers["Location"])

        answer = client.get(f"{CALLBACK}?{location.query}&iss=https://evil.example")

        assert answer.status_code == 403

    def test_userinfo_about_somebody_else_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")
        provider.in_userinfo_only = {"groups"}
        provider.userinfo_subject = "somebody-else"

        assert sign_in(client, provider).status_code == 403

    @pytest.mark.usefixtures("provider")
    def test_a_refusal_by_the_provider_leads_on(self, client: Client) -> None:
        state = query_of(to_provider(client))["state"]

        answer = client.get(CALLBACK, {"error": "access_denied", "state": state})

        assert answer.status_code == 403
        assert BEGIN in answer.content.decode()

    @pytest.mark.usefixtures("provider")
    @pytest.mark.parametrize("path", [BEGIN, CALLBACK])
    def test_a_provider_that_is_away_is_a_bad_gateway(
        self, client: Client, settings: Settings, path: str
    ) -> None:
        state = query_of(to_provider(client))["state"]
        settings.OIDC_ISSUER = "http://127.0.0.1:1"

        answer = client.get(path, {"code": "x", "state": state})

        assert answer.status_code == 502
        assert "does not answer" in answer.content.decode()

    def test_a_description_of_another_issuer_is_refused(
        self, client: Client, provider: Provider, settings: Settings
    ) -> None:
        settings.OIDC_ISSUER = provider.url.replace("127.0.0.1", "localhost")

        assert client.get(BEGIN).status_code == 502

    def test_neither_codes_nor_tokens_are_logged(
        self, client: Client, provider: Provider, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        provider.add("grace", "ops")
        provider.forged = {"nonce": "another"}
        provider.signed_in = "grace"
        address = urlsplit(httpx.get(to_provider(client)).headers["Location"])

        client.get(f"{CALLBACK}?{address.query}")

        ours = [one.getMessage() for one in caplog.records if "oidc" in one.name]
        assert any("nonce" in line for line in ours)
        assert not any(CLIENT_SECRET in line or "eyJ" in line for line in ours)


class TestSessions:
    def test_a_session_ends_after_the_set_time(
        self, client: Client, provider: Provider, settings: Settings
    ) -> None:
        settings.OIDC_SESSION_MINUTES = 30
        provider.add("grace", "ops")

        sign_in(client, provider)

        assert client.session.get_expiry_age() == pytest.approx(1800, abs=60)

    def test_the_session_gets_another_key(self, client: Client, provider: Provider) -> None:
        provider.add("grace", "ops")
        provider.signed_in = "grace"
        address = to_provider(client)
        before = client.cookies["sessionid"].value

        back(client, address)

        assert client.cookies["sessionid"].value != before

    def test_signing_out_signs_out_of_the_provider_too(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")
        sign_in(client, provider)

        answer = client.post("/admin/logout/")

        assert httpx.get(answer["Location"]).headers["Location"].endswith("/admin/login/")
        [query] = provider.ended
        assert query["client_id"] == CLIENT_ID
        body = query["id_token_hint"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        assert claims["sub"] == "subject-of-grace"
        assert client.get("/admin/").status_code == 302

    def test_the_id_token_is_encrypted_in_the_session(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")

        sign_in(client, provider)

        assert not client.session["oidc_id_token"].startswith("eyJ")

    def test_signing_out_works_while_the_provider_is_away(
        self, client: Client, provider: Provider, settings: Settings
    ) -> None:
        provider.add("grace", "ops")
        sign_in(client, provider)
        settings.OIDC_ISSUER = "http://127.0.0.1:1"

        assert client.post("/admin/logout/").status_code == 200
        assert client.get("/admin/").status_code == 302

    @pytest.mark.parametrize("path", ["/admin/logout/", CALLBACK])
    def test_other_methods_change_nothing(
        self, client: Client, provider: Provider, path: str
    ) -> None:
        provider.add("grace", "ops")
        sign_in(client, provider)

        answer = client.get(path) if "logout" in path else client.post(path)

        assert answer.status_code == 405
        assert client.get("/admin/").status_code == 200


class TestPasswords:
    @pytest.mark.usefixtures("provider")
    @pytest.mark.parametrize(("is_superuser", "status"), [(True, 302), (False, 200)])
    def test_only_superusers_have_passwords(
        self, client: Client, is_superuser: bool, status: int
    ) -> None:
        User.objects.create_user(
            "grace", password="a right password", is_staff=True, is_superuser=is_superuser
        )
        entered = {"username": "grace", "password": "a right password"}

        assert client.post("/admin/login/", entered).status_code == status

    @pytest.mark.usefixtures("provider")
    def test_superusers_sign_in_while_the_provider_is_away(
        self, client: Client, settings: Settings
    ) -> None:
        settings.OIDC_ISSUER = "http://127.0.0.1:1"
        User.objects.create_superuser("root", password="a right password")

        entered = {"username": "root", "password": "a right password"}

        assert client.post("/admin/login/", entered).status_code == 302

    def test_passwords_are_never_checked_for_people_of_the_provider(
        self, client: Client, provider: Provider
    ) -> None:
        provider.add("grace", "ops")
        sign_in(client, provider)
        user = User.objects.get()
        user.set_password("a right password")
        user.save()

        entered = {"username": "grace", "password": "a right password"}

        assert Client().post("/admin/login/", entered).status_code == 200

    @pytest.mark.usefixtures("provider")
    def test_the_login_page_offers_both(self, client: Client) -> None:
        html = client.get("/admin/login/?next=/admin/agents/agentevent/").content.decode()

        assert 'href="/admin/oidc/begin/?next=%2Fadmin%2Fagents%2Fagentevent%2F"' in html
        assert "Sign in with single sign-on" in html
        assert 'name="password"' in html


class TestOff:
    @pytest.mark.parametrize("path", [BEGIN, CALLBACK])
    def test_there_is_nothing(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404

    def test_the_login_page_does_not_offer_it(self, client: Client) -> None:
        assert "oidc" not in client.get("/admin/login/").content.decode()

    def test_all_staff_may_use_passwords(self, client: Client) -> None:
        User.objects.create_user("grace", password="a right password", is_staff=True)
        entered = {"username": "grace", "password": "a right password"}

        assert client.post("/admin/login/", entered).status_code == 302
