"""The way in: login, logout, tokens, who is led where, and the shapes of errors."""

import json
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.authtoken.models import Token

from webapp.people.models import Organisation, User
from webapp.people.operations import create_person, grant_qualification, revoke_qualification
from webapp.people.throttle import FAILURES
from webapp.projects.models import Project
from webapp.projects.operations import create_project, new_guideline_version

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(acme: Organisation) -> User:
    return create_person(organisation=acme, username="ann", password=PASSWORD)


def log_in(client: Client, password: str = PASSWORD, **extra: str) -> int:
    return client.post("/login/", {"username": "ann", "password": password} | extra).status_code


class TestLogin:
    def test_leads_back_to_the_page_that_was_asked_for(self, client: Client, ann: User) -> None:
        asked = client.get("/feed/")
        assert asked.headers["Location"] == "/login/?next=/feed/"

        done = client.post(
            asked.headers["Location"], {"username": "ann", "password": PASSWORD, "next": "/feed/"}
        )

        assert done.headers["Location"] == "/feed/"
        assert client.get("/feed/").status_code == 200

    def test_never_leads_to_another_site(self, client: Client, ann: User) -> None:
        done = client.post(
            "/login/", {"username": "ann", "password": PASSWORD, "next": "https://evil.example/"}
        )

        assert done.headers["Location"] == "/"

    def test_wrong_password_is_refused_without_a_hint_about_the_name(self, client: Client, ann: User) -> None:
        answer = client.post("/login/", {"username": "ann", "password": "wrong"})
        unknown = client.post("/login/", {"username": "nobody", "password": "wrong"})

        assert answer.status_code == unknown.status_code == 401
        assert answer.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()

    def test_guessing_is_slowed_down_for_that_name_only(
        self, client: Client, ann: User, acme: Organisation
    ) -> None:
        create_person(organisation=acme, username="zoe", password=PASSWORD)
        for _ in range(FAILURES):
            log_in(client, "wrong")

        assert log_in(client) == 401
        assert client.post("/login/", {"username": "zoe", "password": PASSWORD}).status_code == 302

    def test_what_was_typed_is_escaped(self, client: Client, db: None) -> None:
        page = client.post("/login/", {"username": '"><script>alert(1)</script>', "password": "x"})

        assert b"<script>alert" not in page.content

    def test_form_needs_its_csrf_token(self, ann: User) -> None:
        strict = Client(enforce_csrf_checks=True)

        refused = strict.post("/login/", {"username": "ann", "password": PASSWORD})
        strict.get("/login/")
        token = strict.cookies["csrftoken"].value
        done = strict.post("/login/", {"username": "ann", "password": PASSWORD, "csrfmiddlewaretoken": token})

        assert (refused.status_code, done.status_code) == (403, 302)
        assert b"open too long" in refused.content

    def test_logout_is_a_post(self, client: Client, ann: User) -> None:
        client.force_login(ann)

        assert client.get("/logout/").status_code == 405
        assert client.post("/logout/").headers["Location"] == "/login/"
        assert client.get("/feed/").status_code == 302


class TestHome:
    @pytest.mark.parametrize(
        ("who", "where"), [("ada", "/feed/"), ("sam", "/feed/"), ("olga", "/desk/"), ("otto", "/ops/")]
    )
    def test_leads_everybody_to_their_work(
        self, client: Client, who: str, where: str, request: pytest.FixtureRequest
    ) -> None:
        client.force_login(request.getfixturevalue(who))

        assert client.get("/").headers["Location"] == where
        assert client.get(where).status_code == 200

    @pytest.mark.parametrize(
        ("who", "url"), [("ada", "/ops/"), ("ada", "/desk/"), ("olga", "/ops/"), ("otto", "/desk/")]
    )
    def test_other_roles_are_told_whose_page_it_is(
        self, client: Client, who: str, url: str, request: pytest.FixtureRequest
    ) -> None:
        client.force_login(request.getfixturevalue(who))

        page = client.get(url)

        assert page.status_code == 403
        assert b"This page is for" in page.content

    def test_account_without_an_organisation_sees_nothing(self, client: Client, db: None) -> None:
        client.force_login(User.objects.create_superuser("root", password=PASSWORD))

        for url in ("/", "/feed/", "/ops/", "/desk/"):
            page = client.get(url)
            assert page.status_code == 403
            assert b"belongs to no organisation" in page.content

    def test_poll_of_an_ended_session_leads_to_the_login(self, client: Client, db: None) -> None:
        answer = client.get("/ops/live/", headers={"HX-Request": "true"})

        assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/login/")


class TestToken:
    def test_is_given_for_a_password_and_works_as_credentials(self, client: Client, ann: User) -> None:
        answer = client.post(
            "/api/v1/token",
            json.dumps({"username": "ann", "password": PASSWORD}),
            content_type="application/json",
        )

        assert answer.json() == {"token": Token.objects.get(user=ann).key}

    def test_errors_have_one_shape(self, client: Client, ann: User) -> None:
        missing = client.post("/api/v1/token", "{}", content_type="application/json")
        broken = client.post("/api/v1/token", "{", content_type="application/json")
        wrong = client.post("/api/v1/token", {"username": "ann", "password": "wrong"})
        method = client.get("/api/v1/token")

        assert missing.json()["code"] == "invalid"
        assert missing.json()["message"].startswith("username: ")
        assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
        assert (wrong.status_code, wrong.json()["code"]) == (403, "authentication_failed")
        assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
        for answer in (missing, broken, wrong, method):
            assert set(answer.json()) == {"code", "message"}

    def test_guessing_is_slowed_down(self, client: Client, ann: User) -> None:
        for _ in range(FAILURES):
            client.post("/api/v1/token", {"username": "ann", "password": "wrong"})

        answer = client.post("/api/v1/token", {"username": "ann", "password": PASSWORD})

        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")


class TestFeedPage:
    def test_hands_the_workbench_what_it_needs(
        self, client: Client, ada: User, settings: Settings, tmp_path: Path
    ) -> None:
        (tmp_path / "workbench.js").write_text("")
        settings.STATICFILES_DIRS = [("workbench", tmp_path)]
        client.force_login(ada)

        page = client.get("/feed/").content.decode()

        assert 'id="workbench" data-socket="/ws/feed/" data-user="ada" data-wage="12.00" data-csrf="' in page
        assert "workbench/workbench.js" in page

    def test_says_how_to_build_a_missing_workbench(
        self, client: Client, ada: User, settings: Settings, tmp_path: Path
    ) -> None:
        settings.STATICFILES_DIRS = [("workbench", tmp_path)]
        client.force_login(ada)

        assert b"make setup" in client.get("/feed/").content


class TestGuideline:
    def test_shows_paragraphs_and_classes_escaped(
        self, client: Client, ada: User, acme: Organisation
    ) -> None:
        project = create_project(
            organisation=acme, name="<b>P</b>", domain="x", classes=["<i>tree</i>"], guideline="First version"
        )
        new_guideline_version(project=project, text="First <script>line</script>\n\nSecond line")
        client.force_login(ada)

        page = client.get(f"/projects/{project.pk}/guideline/").content.decode()

        assert "<p>First &lt;script&gt;line&lt;/script&gt;</p>" in page
        assert "<p>Second line</p>" in page
        assert "&lt;i&gt;tree" in page
        assert "&lt;b&gt;P" in page
        assert "First version" not in page
        assert "version 2" in page


class TestPeople:
    def test_qualifications_are_granted_once_and_revoked(self, ada: User, otto: User) -> None:
        first = grant_qualification(person=ada, domain="blood", granted_by=otto)

        assert grant_qualification(person=ada, domain="blood") == first
        assert revoke_qualification(person=ada, domain="blood")
        assert not revoke_qualification(person=ada, domain="blood")

    def test_health_check_reaches_the_database(self, client: Client, project: Project) -> None:
        assert client.get("/healthz").json() == {"ok": True}
