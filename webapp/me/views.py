"""The annotator's own page, and the appeal of a pause."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.me.queries import mine
from webapp.people.models import Appeal
from webapp.people.permissions import MemberRequest, member_required

MAX_MESSAGE = 2000


@require_GET
@member_required
def me(request: MemberRequest) -> HttpResponse:
    return render(request, "me/me.html", {"mine": mine(request.user, now=timezone.now())})


@require_POST
@member_required
def appeal(request: MemberRequest) -> HttpResponse:
    """Say to the managers why a pause is a mistake."""
    text = request.POST.get("message", "").strip()[:MAX_MESSAGE]
    found = mine(request.user, now=timezone.now())
    if found.standing != "paused":
        messages.error(request, _("Your work is not paused."))
    elif not text:
        messages.error(request, _("Write what happened, so that somebody can decide."))
    else:
        try:
            with transaction.atomic():
                Appeal.objects.create(person=request.user, message=text)
        except IntegrityError:  # Sent twice, or from two tabs.
            messages.error(request, _("Your message is with the operations managers already."))
        else:
            messages.success(request, _("Your message is with the operations managers."))
    return redirect("me:me")
