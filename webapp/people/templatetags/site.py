"""Numbers and times as people read them, and the bar on top of every page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from webapp.people.models import User
from webapp.people.permissions import is_manager, is_member, is_specialist
from webapp.people.tenancy import may_administer
from webapp.people.wording import ADVICE, alert_sentence, kind_title, reason_said, said_title

register = template.Library()

UNKNOWN = "–"
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str
    here: bool


@register.inclusion_tag("people/topbar.html")
def topbar(request: HttpRequest) -> dict[str, object]:
    """The pages that this person may open, and who they are."""
    person = getattr(request, "user", AnonymousUser())
    return {"person": person if person.is_authenticated else None, "links": _links(request, person)}


def _links(request: HttpRequest, person: User | AnonymousUser) -> list[Link]:
    if isinstance(person, AnonymousUser):
        return []
    pages = []
    if is_manager(person):
        pages.append((_("Operations"), reverse("ops:room")))
        pages.append((_("Projects"), reverse("setup:projects")))
    if is_specialist(person):
        pages.append((_("Desk"), reverse("desk:desk")))
    if is_member(person):
        pages.append((_("Feed"), reverse("feed")))
        pages.append((_("Me"), reverse("me:me")))
    if may_administer(request):
        pages.append((_("Tables"), reverse("admin:index")))
    return [Link(title, url, request.path.startswith(url)) for title, url in pages]


@register.filter
def reason(message: str) -> str:
    """A stored reason in the reader's language."""
    return reason_said(message)


@register.filter
def count(value: float | None) -> str:
    """12345 as 12 345, with thin spaces that do not break."""
    return UNKNOWN if value is None else f"{value:,.0f}".replace(",", "\u202f")


@register.filter
def rate(value: float | None) -> str:
    """A number of which small fractions matter: 0.4, 7.2, 318."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if 0 < value < 10 else count(value)


@register.filter
def share(value: float | None) -> str:
    """0.123 as 12 %; below one percent with a decimal."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    return f"{percent:.1f}\u202f%" if 0 < percent < 1 else f"{percent:.0f}\u202f%"


@register.filter
def risk(value: float | None) -> str:
    """A probability of being wrong, in percent with one decimal."""
    return UNKNOWN if value is None else f"{value * 100:.1f}\u202f%"


@register.filter
def money(value: float | None) -> str:
    """An amount in the currency of the wages."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}".replace(",", "\u202f") if value >= 1000 else f"{value:.2f}"


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that matter, with spaces that do not break."""
    if seconds is None:
        return UNKNOWN
    text = _("{n} s").format(n=f"{seconds:.1f}") if 0 < seconds < 10 else _coarse(seconds)
    return text.replace(" ", "\u00a0")


def _coarse(seconds: float) -> str:
    if seconds < 100:
        return _("{n} s").format(n=f"{seconds:.0f}")
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return _("{n} min").format(n=minutes)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _two(_("{n} h").format(n=hours), _("{n} min").format(n=minutes) if minutes else "")
    days, hours = divmod(round(seconds / HOUR), 24)
    return _two(_("{n} d").format(n=days), _("{n} h").format(n=hours) if hours else "")


def _two(large: str, small: str) -> str:
    return f"{large} {small}" if small else large


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago something happened."""
    if moment is None:
        return UNKNOWN
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 5:
        return _("just now")
    return _("{time} ago").format(time=_coarse(seconds)).replace(" ", "\u00a0")


@register.filter
def kind(name: str) -> str:
    """The title of a kind of micro-task."""
    return kind_title(str(name))


@register.filter
def said(code: str) -> str:
    """A state, verdict or role in words; what is no code word stays as it is."""
    return said_title(str(code))


@register.filter
def advice(code: str) -> str:
    """What to do about a slip."""
    return str(ADVICE[code])


@register.filter
def plain(value: float | str | None) -> str:
    """A number as form fields and addresses want it, in every language: 0.05."""
    return f"{value:.10g}" if isinstance(value, int | float) else str(value or "")


@register.filter
def percent(value: float | None) -> str:
    """A share as a number of percent for a form field: 0.05 as 5."""
    return "" if value is None else f"{100 * value:.6g}"


@register.filter
def split(text: str) -> list[str]:
    """The words of a text, to loop over."""
    return text.split()


@register.filter
def get(table: Mapping[str, Any], key: str) -> Any:
    """The entry of a table, "" where there is none."""
    return table.get(key, "")


@register.simple_tag
def site_script() -> SafeString:
    """The script of the pages, once it is built; without it they work all the same."""
    if finders.find("workbench/site.js") is None:
        return SafeString("")
    return format_html('<script type="module" src="{}"></script>', static("workbench/site.js"))


@register.filter
def alert_text(alert: Any) -> str:
    """An alert as a sentence."""
    return alert_sentence(alert.kind, alert.title, alert.value)
