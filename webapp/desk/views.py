"""The specialist's desk: what waits, what I ruled, and the way into the feed."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from webapp.desk.queries import FOCUSED_S, RECENT, focused_s, own_rulings, record_of
from webapp.desk.queue import waiting_cases
from webapp.labeling.models import Answer
from webapp.people.permissions import MemberRequest, specialist_required
from webapp.people.queries import tenant
from webapp.scenes.images import cached_view
from webapp.scenes.queries import file_of, views_folder

CROP_PX = 320


@require_GET
@specialist_required
def desk(request: MemberRequest) -> HttpResponse:
    rulings = own_rulings(request.user)
    now = timezone.now()
    focused = focused_s(request.user, now)
    context = {
        "focused": focused,
        "rest": focused >= FOCUSED_S,
        "queue": waiting_cases(request.user, now),
        "record": record_of(rulings),
        "rulings": rulings[:RECENT],
    }
    return render(request, "desk/desk.html", context)


@require_GET
@specialist_required
def ruling_crop(request: MemberRequest, pk: UUID) -> HttpResponse:
    """What one of the viewer's own cases showed, as JPEG."""
    own = Answer.objects.filter(
        annotator=request.user,
        microtask__kind="adjudicate",
        microtask__project__organisation=tenant(request.user),
    )
    answer = get_object_or_404(own.select_related("microtask__scene"), pk=pk)
    task = answer.microtask
    x, y, w, h = task.payload["view"]
    try:
        view = cached_view(file_of(task.scene), views_folder(), longest=CROP_PX, rect=(x, y, w, h))
    except ValueError as error:  # The file is gone or no picture any more.
        raise Http404 from error
    response = HttpResponse(view, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response
