"""Quality and cost targets, and who may work."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from routing.policy import RoutingPolicy
from webapp.people.invitations import invitation_path
from webapp.people.models import Role
from webapp.people.operations import create_person
from webapp.people.permissions import MemberRequest, manager_required
from webapp.projects.models import Project
from webapp.projects.operations import set_targets
from webapp.setup.forms import InviteForm, TargetsForm
from webapp.setup.targets import FITS, targets_of
from webapp.setup.views.common import go_on, project_or_404, show
from webapp.setup.workforce import MOST, ROLES, candidates, choose_crew, crew_of


@require_http_methods(["GET", "POST"])
@manager_required
def targets(request: MemberRequest, pk: int) -> HttpResponse:
    project = project_or_404(request, pk)
    initial = TargetsForm.initial_of(targets_of(project.policy), project)
    form = TargetsForm(request.POST or None, initial=initial, before=project.policy)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        names = ("policy", "budget", "priority", "deadline")
        set_targets(project=project, **{name: data[name] for name in names})
        return go_on(request, project, "targets")
    return show(
        request, project, "targets", form=form, fits=_fits(), thresholds=_thresholds(project),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _fits() -> list[tuple[str, str, str]]:
    titles = {
        "rough": (_("Rough"), _("The object is in the box: counting, finding.")),
        "usual": (_("Usual"), _("The box fits well: training most detectors.")),
        "exact": (_("Exact"), _("The box touches the object: measuring. Takes longer.")),
    }
    return [(name, *titles[name]) for name in FITS]


def _thresholds(project: Project) -> list[dict[str, object]]:
    """The settings of the policy that differ from the defaults, as they are in force."""
    policy = RoutingPolicy.from_json(project.policy).to_json()
    return [
        {**setting, "value": policy[setting["name"]]}
        for setting in RoutingPolicy.describe()
        if setting["name"] in project.policy
    ]


@require_http_methods(["GET", "POST"])
@manager_required
def people(request: MemberRequest, pk: int) -> HttpResponse:
    project = project_or_404(request, pk)
    if request.method == "POST":
        shown, chosen = (_ids(request.POST.getlist(name)) for name in ("shown", "chosen"))
        choose_crew(project=project, shown=shown, chosen=chosen, by=request.user)
        return go_on(request, project, "people")
    return _people(request, project, InviteForm())


def _people(request: MemberRequest, project: Project, form: InviteForm, invited: str = "") -> HttpResponse:
    search = request.GET.get("q", "").strip()[:100]
    return show(
        request, project, "people", candidates=candidates(project, search), crew=crew_of(project), search=search,
        form=form, most=MOST, invited=invited, roles=[(r.value, r.label) for r in ROLES],
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@manager_required
def invite(request: MemberRequest, pk: int) -> HttpResponse:
    """Make a person, who may work here at once, and show the link by which they choose a password."""
    project = project_or_404(request, pk)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _people(request, project, form)
    assert request.user.organisation is not None
    person = create_person(
        organisation=request.user.organisation, username=form.cleaned_data["username"],
        name=form.cleaned_data["name"], role=Role(form.cleaned_data["role"]), domains=[project.domain],
    )  # fmt: skip
    link = request.build_absolute_uri(invitation_path(person))
    return _people(request, project, InviteForm(), invited=link)


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal() and len(text) < 19]
