"""Login, logout and tokens for scripts."""

from typing import Any

from django.contrib.auth import authenticate, login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.people.invitations import accept, invited
from webapp.people.throttle import WINDOW_S, count_failure, too_many_failures


class LoginForm(AuthenticationForm):
    """Django's form, slowed down for whoever guesses."""

    error_messages = {
        "invalid_login": gettext_lazy("Unknown name or wrong password. Upper and lower case matter."),
        "inactive": gettext_lazy("This account is switched off."),
    }

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username") or ""
        assert self.request is not None
        if too_many_failures(self.request, username):
            raise ValidationError(
                _("Too many failed attempts. Wait ten minutes and try again."), code="throttled"
            )
        try:
            return super().clean()
        except ValidationError:
            count_failure(self.request, username)
            raise


class Login(LoginView):
    template_name = "people/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=401)


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let somebody who was invited choose a password, and lead them to their work."""
    person = invited(token)
    if person is None:
        return render(request, "people/join.html", {"person": None}, status=410)
    problems: list[str] = []
    if request.method == "POST":
        password = request.POST.get("password", "")
        if password != request.POST.get("again", ""):
            problems = [_("The two passwords differ.")]
        else:
            try:
                accept(person=person, password=password)
            except ValidationError as error:
                problems = list(error.messages)
            else:
                login(request, person)
                return redirect("home")
    return render(
        request, "people/join.html", {"person": person, "problems": problems}, status=422 if problems else 200
    )


class Credentials(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)


class IssueToken(APIView):
    """Give a script the token that the feed and the API accept."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        credentials = Credentials(data=request.data)
        credentials.is_valid(raise_exception=True)
        username = credentials.validated_data["username"]
        if too_many_failures(request._request, username):
            raise Throttled(wait=WINDOW_S)
        person = authenticate(
            request._request, username=username, password=credentials.validated_data["password"]
        )
        if person is None:
            count_failure(request._request, username)
            raise AuthenticationFailed("Unknown name or wrong password.")
        return Response({"token": Token.objects.get_or_create(user=person)[0].key})
