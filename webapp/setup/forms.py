"""The forms of the set-up pages."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.annotation.schema import LabelSchema, SchemaError
from routing.policy import PolicyError
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.setup.targets import FITS, Targets, policy_for
from webapp.setup.workforce import ROLES

DOMAIN = forms.RegexField(
    r"^[\w][\w .-]{0,59}\Z", max_length=60,
    error_messages={"invalid": gettext_lazy("Use letters, digits, spaces, dots and hyphens.")},
)  # fmt: skip


class BasicsForm(forms.Form):
    """Name and domain; the classes only while there are none."""

    name = forms.CharField(max_length=200)
    domain = DOMAIN

    def __init__(self, *args: Any, organisation: int, project: Project | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organisation, self.project = organisation, project

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        same = Project.objects.filter(organisation=self.organisation, name=name)
        if self.project is not None:
            same = same.exclude(pk=self.project.pk)
        if same.exists():
            raise ValidationError(_("There is a project of this name already; choose another."))
        return name


class NewProjectForm(BasicsForm):
    """Everything that a project cannot do without."""

    classes = forms.CharField(max_length=20_000)

    def clean_classes(self) -> list[str]:
        text = str(self.cleaned_data["classes"])
        names = [name.strip() for line in text.splitlines() for name in line.split(",") if name.strip()]
        try:
            LabelSchema.from_json({"classes": [{"id": n, "name": name} for n, name in enumerate(names)]})
        except SchemaError as error:
            raise ValidationError(str(error)) from error
        return names


class TargetsForm(forms.Form):
    """Quality and cost as people state them: shares in percent, money in the currency of the wages."""

    wrong = forms.FloatField(min_value=0.05, max_value=50)
    missed = forms.FloatField(min_value=0.1, max_value=50)
    fit = forms.ChoiceField(choices=[(name, name) for name in FITS])
    audit = forms.FloatField(min_value=0, max_value=100)
    second_read = forms.FloatField(min_value=0, max_value=100)
    error_cost = forms.FloatField(min_value=0.001, max_value=100_000)
    wage_crowd = forms.FloatField(min_value=0.01, max_value=10_000)
    wage_senior = forms.FloatField(min_value=0.01, max_value=10_000)
    wage_specialist = forms.FloatField(min_value=0.01, max_value=10_000)
    budget = forms.FloatField(min_value=0, max_value=1e12, required=False)
    priority = forms.FloatField(min_value=0.1, max_value=10)
    finish_by = forms.DateField(required=False, input_formats=["%Y-%m-%d"])

    PERCENT = ("wrong", "missed", "audit", "second_read")

    def __init__(self, *args: Any, before: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = before

    @classmethod
    def initial_of(cls, targets: Targets, project: Project) -> dict[str, Any]:
        """The values that the form shows for stored targets."""
        values = {name: getattr(targets, name) for name in Targets.__dataclass_fields__}
        values |= {name: round(100 * values[name], 6) for name in cls.PERCENT}
        values["error_cost"] = round(values["error_cost"], 4)
        finish_by = project.deadline.date().isoformat() if project.deadline else ""
        return {**values, "budget": project.budget, "priority": project.priority, "finish_by": finish_by}

    def clean(self) -> dict[str, Any]:
        data = dict(super().clean() or self.cleaned_data)
        if self.errors:
            return data
        day: date | None = data["finish_by"]
        data["deadline"] = datetime.combine(day, time.max, UTC) if day else None
        values = {name: data[name] for name in Targets.__dataclass_fields__}
        values |= {name: data[name] / 100 for name in self.PERCENT}
        try:
            data["policy"] = policy_for(Targets(**values), self.before)
        except PolicyError as error:
            raise ValidationError(str(error)) from error
        return data


class InviteForm(forms.Form):
    """A new person."""

    username = forms.CharField(max_length=150, validators=[User.username_validator])
    name = forms.CharField(max_length=150, required=False)
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in ROLES])

    def clean_username(self) -> str:
        username = User.normalize_username(str(self.cleaned_data["username"]))
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(_("This name is taken; choose another."))
        return str(username)


class StartForm(forms.Form):
    """What to start and who proposes: nobody, the published detector, or the model with an id."""

    proposer = forms.RegexField(r"^(people|pretrained|\d+)\Z", max_length=20)
    smallest_px = forms.FloatField(min_value=2, max_value=2000)
