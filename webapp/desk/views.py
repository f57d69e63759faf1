"""The specialist's desk: what waits, what was ruled, what follows from a ruling, and the way into the feed."""

import math
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_POST

from webapp.desk import acts
from webapp.desk.calibration import calibration_of
from webapp.desk.queries import (
    RECENT,
    Ruling,
    own_rulings,
    record_of,
    ruling_of,
    rulings_of,
)
from webapp.desk.queue import class_names, waiting_cases
from webapp.labeling import coaching
from webapp.labeling.desk_hours import LEAST_H, choose_hours, desk_hours
from webapp.labeling.models import Answer
from webapp.people.permissions import MemberRequest, member_required, specialist_required
from webapp.projects.queries import current_guideline
from webapp.scenes.images import cached_view
from webapp.scenes.queries import file_of, views_folder

CROP_PX, LARGE_PX = 320, 960
FEATURES = {
    "blurred": lazy("blurred edge"),
    "hidden": lazy("partly hidden"),
    "crowded": lazy("crowded"),
    "small": lazy("very small"),
    "lookalike": lazy("look-alike"),
    "gap": lazy("guideline unclear"),
}
REFUSED = {
    "empty": lazy("Write a rule, or make the case an example."),
    "caption": lazy("Say in a few words what the example shows."),
    "stale": lazy("The guideline has changed meanwhile. Read it and try again."),
    "full": lazy("The guideline holds as many examples as are read. Ask a manager to remove some."),
}


@require_GET
@specialist_required
def desk(request: MemberRequest) -> HttpResponse:
    rulings = own_rulings(request.user)
    now = timezone.now()
    context = {
        "hours": desk_hours([request.user.pk], request.user.organisation_id, now)[request.user.pk],
        "least": LEAST_H,
        "calibration": calibration_of(request.user, rulings),
        "queue": waiting_cases(request.user, now),
        "record": record_of(rulings),
        "rulings": rulings[:RECENT],
    }
    return render(request, "desk/desk.html", context)


@require_POST
@specialist_required
def hours(request: MemberRequest) -> HttpResponse:
    """Choose after how many hours at cases in a day the feed offers no more of them."""
    try:
        wanted = float(request.POST.get("hours", "").replace(",", "."))
    except ValueError:
        wanted = math.nan
    if not math.isfinite(wanted):
        messages.error(request, _("Give a number of hours."))
    else:
        chosen = choose_hours(request.user, wanted)
        messages.success(request, _("Cases end after {n} hours a day.").format(n=f"{chosen:g}"))
    return redirect("desk:desk")


@require_GET
@specialist_required
def ruling_page(request: MemberRequest, pk: UUID) -> HttpResponse:
    """One ruling, what it was about, and what may follow from it."""
    ruling = _found(request, pk)
    task = ruling.answer.microtask
    names = class_names({task.project_id})[task.project_id]
    current = current_guideline(task.project)
    context = {
        "ruling": ruling,
        "mine": ruling.answer.annotator_id == request.user.pk,
        "seen": [FEATURES.get(name, name) for name in ruling.features],
        "class": names.get(ruling.label, str(ruling.label)),
        "guideline": current,
        "version": current.version if current else 0,
        "stake": acts.at_stake(task.project, ruling.label),
        "otherwise": coaching.judged_otherwise(task.object) if task.object else [],
        "most_rule": acts.MAX_RULE,
        "most_note": coaching.MAX_NOTE,
    }
    return render(request, "desk/ruling.html", context)


@require_POST
@specialist_required
def change_guideline(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Add what a case teaches to the guideline."""
    ruling, sent = _found(request, pk), request.POST
    example, version = sent.get("example", ""), sent.get("version", "")
    try:
        made = acts.change_guideline(
            ruling, rule=sent.get("rule", "").strip(), example=example if example in acts.CHOICES else "",
            caption=sent.get("caption", "").strip(), version=int(version) if version.isdecimal() else -1, by=request.user,
        )  # fmt: skip
    except acts.ActRefused as refusal:
        messages.error(request, REFUSED[refusal.code])
    else:
        messages.success(request, _("Version {n} of the guideline is in force.").format(n=made))
    return redirect("desk:ruling", pk=pk)


@require_POST
@specialist_required
def coach(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Tell one of those who judged otherwise why."""
    ruling, note = _found(request, pk), request.POST.get("note", "").strip()
    task = ruling.answer.microtask
    told = {o.name: o for o in coaching.judged_otherwise(task.object)} if task.object else {}
    person = told.get(request.POST.get("who", ""))
    if person is None or not note:
        messages.error(request, _("Choose somebody and write what helps."))
    elif coaching.coach(ruling.answer, person, ruling=ruling.outcome, note=note, by=request.user):
        messages.success(request, _("They will read it on their own page."))
    else:
        messages.error(request, _("They were told about this case before."))
    return redirect("desk:ruling", pk=pk)


def _found(request: MemberRequest, pk: UUID) -> Ruling:
    rows = rulings_of(request.user).select_related("microtask__project", "microtask__object")
    return ruling_of(get_object_or_404(rows, pk=pk))


# Pictures ----------------------------------------------------------------------------------------------------


@require_GET
@specialist_required
def ruling_crop(request: MemberRequest, pk: UUID) -> HttpResponse:
    """What a case showed, as JPEG, to whoever may see its ruling; `?size=large` for the ruling's own page."""
    longest = LARGE_PX if request.GET.get("size") == "large" else CROP_PX
    return _crop(
        get_object_or_404(rulings_of(request.user).select_related("microtask__scene"), pk=pk), longest
    )


@require_GET
@member_required
def word_crop(request: MemberRequest, pk: int) -> HttpResponse:
    """The case that a specialist told somebody about, to them alone."""
    word = coaching.word_for(request.user, pk)
    if word is None:
        raise Http404
    return _crop(
        get_object_or_404(Answer.objects.select_related("microtask__scene"), pk=word.answer), CROP_PX
    )


def _crop(answer: Answer, longest: int) -> HttpResponse:
    task = answer.microtask
    x, y, w, h = task.payload["view"]
    try:
        view = cached_view(file_of(task.scene), views_folder(), longest=longest, rect=(x, y, w, h))
    except ValueError as error:  # The file is gone or no picture any more.
        raise Http404 from error
    response = HttpResponse(view, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response
