"""Asking again about the settled objects that a query finds: how many, at what cost, with whose consent. Views."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from routing.policy import RoutingPolicy
from webapp.ops import reopening
from webapp.ops.models import Reopening
from webapp.ops.queries import answers_by_person
from webapp.ops.reopen_requests import ALONE, ask_to_reopen, decide, take_back
from webapp.ops.reopening import Reopened
from webapp.ops.selection import SETTLERS, Query, count, in_words, read_query
from webapp.ops.status import statuses
from webapp.ops.views import forget_room
from webapp.people.models import User
from webapp.people.permissions import MemberRequest, is_manager, manager_required
from webapp.people.queries import tenant
from webapp.pipeline.models import ModelVersion
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset
from webapp.scenes.queries import datasets_of

MAX_NOTE = 150
MOST_CHOICES = 60


@require_http_methods(["GET", "POST"])
@manager_required
def reopen_dataset(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose settled objects by a query, see how many they are and what asking again takes, then do it or ask for consent."""
    dataset = get_object_or_404(datasets_of(request.user).select_related("project"), pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    query, way = read_query(given), way_of(given)
    if request.method == "POST" and request.POST.get("sure") == "1":
        note = request.POST.get("note", "").strip()[:MAX_NOTE]
        row, done = ask_to_reopen(
            dataset=dataset, query=query, way=way, note=note, by=request.user, now=timezone.now()
        )
        forget_room(request, dataset.project_id)
        if done is None:
            messages.success(
                request, _("Another manager has to agree before these objects are asked about again.")
            )
            return redirect("ops:reopening", row.pk)
        _tell(request, done)
        return redirect("ops:dataset", pk)
    context = {"dataset": dataset, "query": query, "way": way, **_price(dataset, query, way)}
    if request.headers.get("HX-Request"):
        return render(request, "ops/reopen_count.html", context)
    earlier = dataset.reopenings.select_related("asked_by")[:5]
    return render(request, "ops/reopen.html", {**context, **_choices(dataset), "earlier": earlier})


def _price(dataset: Dataset, query: Query, way: str) -> dict[str, Any]:
    """How many objects a query means, and what asking one person about each takes and costs at least."""
    policy = RoutingPolicy.from_json(dataset.project.policy)
    found = count(dataset, query)
    seconds = min(found.objects, reopening.MOST) * reopening.expected_s(way, policy)
    cost = seconds / 3600 * policy.wage_per_hour[reopening.TIER[way]]
    second = found.objects > ALONE or found.about
    return {
        "count": found.objects, "about": found.about, "most": reopening.MOST, "seconds": seconds, "cost": cost,
        "second": second, "alone": ALONE,
    }  # fmt: skip


def _choices(dataset: Dataset) -> dict[str, Any]:
    """What the form offers: a bounded number of each."""
    last = answers_by_person({dataset.pk: statuses([dataset])[dataset.pk]}, MOST_CHOICES)
    people = User.objects.in_bulk([row.person for row in last])
    models = ModelVersion.objects.filter(runs__dataset=dataset).distinct().order_by("-pk")
    versions = dataset.project.guidelines.order_by("-version").values_list("version", flat=True)
    return {
        "classes": current_schema(dataset.project).classes, "people": sorted(people.values(), key=lambda p: p.username),
        "models": models[:MOST_CHOICES], "versions": versions[:MOST_CHOICES], "settlers": SETTLERS,
    }  # fmt: skip


@require_http_methods(["GET", "POST"])
@manager_required
def decide_reopening(request: MemberRequest, pk: int) -> HttpResponse:
    """What another manager wants asked again: how many, why, at what cost; agree, decline, or take it back later."""
    rows = Reopening.objects.select_related("dataset__project", "asked_by", "decided_by")
    row = get_object_or_404(rows, pk=pk, dataset__project__organisation=tenant(request.user))
    now = timezone.now()
    if request.method == "POST":
        _act(request, row)
        forget_room(request, row.dataset.project_id)
        return redirect("ops:reopening", pk)
    query = Query.from_json(row.query)
    waits = row.state == Reopening.State.WAITING and row.expires_at > now
    others = User.objects.filter(organisation=tenant(request.user), is_active=True).exclude(
        pk=request.user.pk
    )
    context = {
        "row": row, "dataset": row.dataset, "words": in_words(row.dataset, query), "waits": waits,
        "own": row.asked_by_id == request.user.pk, "expired": row.state == Reopening.State.WAITING and not waits,
        "alone": not any(is_manager(person) for person in others.filter(role__in=("manager", "administrator"))[:1]),
        **(_price(row.dataset, query, row.way) if waits else {}),
    }  # fmt: skip
    return render(request, "ops/reopening.html", context)


def _act(request: MemberRequest, row: Reopening) -> None:
    now, decision = timezone.now(), request.POST.get("decision")
    if decision == "take_back":
        restored = take_back(row=row, by=request.user, now=now)
        text = ngettext("%(n)d object is as it was.", "%(n)d objects are as they were.", restored)
        messages.success(request, text % {"n": restored})
        return
    done = decide(row=row, granted=decision == "grant", by=request.user, now=now)
    if done is None:
        messages.error(request, _("This cannot be decided by you, or not any more."))
    elif decision == "grant":
        _tell(request, done)


def _tell(request: MemberRequest, done: Reopened) -> None:
    text = ngettext("%(n)d object is asked about again.", "%(n)d objects are asked about again.", done.opened)
    messages.success(request, text % {"n": done.opened})
    if done.skipped:
        text = ngettext(
            "%(n)d was left out: nobody is left to ask, or somebody is asked already.",
            "%(n)d were left out: nobody is left to ask, or somebody is asked already.",
            done.skipped,
        )
        messages.warning(request, text % {"n": done.skipped})


def way_of(given: Mapping[str, str]) -> str:
    """Who decides: "again" (somebody who has not seen it) or "specialist"."""
    way = given.get("way", "again")
    return way if way in reopening.WAYS else "again"
