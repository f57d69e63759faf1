"""Numbers and times as people read them, and the bar on top of every page."""

from dataclasses import dataclass
from datetime import datetime

from django import template
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from webapp.people.models import User
from webapp.people.permissions import is_manager, is_member, is_specialist
from webapp.people.tenancy import may_administer

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
        pages.append(("Operations", reverse("ops:room")))
    if is_specialist(person):
        pages.append(("Desk", reverse("desk:desk")))
    if is_member(person):
        pages.append(("Feed", reverse("feed")))
    if may_administer(request):
        pages.append(("Tables", reverse("admin:index")))
    return [Link(title, url, request.path.startswith(url)) for title, url in pages]


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
    return (f"{seconds:.1f} s" if seconds < 10 else _coarse(seconds)).replace(" ", "\u00a0")


def _coarse(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago something happened."""
    if moment is None:
        return UNKNOWN
    seconds = (timezone.now() - moment).total_seconds()
    return "just now" if seconds < 5 else f"{_coarse(seconds)} ago".replace(" ", "\u00a0")


@register.filter
def words(name: str) -> str:
    """A code name as words: `coverage_tile` as `coverage tile`."""
    return str(name).replace("_", " ")
