"""Everything that changes organisations and people."""

from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from webapp.people.models import Organisation, Qualification, Role, Tier, User

TIER_OF_ROLE = {Role.SPECIALIST: Tier.SPECIALIST}


def create_organisation(*, name: str) -> Organisation:
    """Make a tenant; the existing one is returned when the name is taken."""
    return Organisation.objects.get_or_create(name=name)[0]


@transaction.atomic
def create_person(
    *,
    organisation: Organisation,
    username: str,
    password: str | None = None,
    role: Role = Role.ANNOTATOR,
    tier: Tier | None = None,
    name: str = "",
    simulated: bool = False,
    domains: Iterable[str] = (),
) -> User:
    """Make a person with the tier that the role implies and qualifications for `domains`.

    Without a password the person cannot log in with one. Raises ValidationError for a weak password and
    IntegrityError when the username is taken.
    """
    person = User(
        organisation=organisation,
        username=User.normalize_username(username),
        first_name=name,
        role=role,
        tier=tier or TIER_OF_ROLE.get(role, Tier.CROWD),
        simulated=simulated,
    )
    if password is not None:
        validate_password(password, person)
    person.set_password(password)
    person.save()
    for domain in domains:
        grant_qualification(person=person, domain=domain)
    return person


def grant_qualification(*, person: User, domain: str, granted_by: User | None = None) -> Qualification:
    """Allow a person to work in a domain; granting twice changes nothing."""
    return Qualification.objects.get_or_create(
        person=person, domain=domain, defaults={"granted_by": granted_by}
    )[0]


def revoke_qualification(*, person: User, domain: str) -> bool:
    """Take the permission back; return whether there was one."""
    return Qualification.objects.filter(person=person, domain=domain).delete()[0] > 0
