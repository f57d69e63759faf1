"""Links by which a person who was invited chooses a password. Good for a week, and only until one is chosen."""

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.urls import reverse

from webapp.people.models import User

SALT = "invitation"
WEEK_S = 7 * 86_400


def invitation_path(person: User) -> str:
    """The address that lets this person choose a password."""
    # An unusable password is random: the link dies with it, when another one is set.
    token = signing.dumps({"person": person.pk, "stamp": person.password[-16:]}, salt=SALT)
    return reverse("join", args=[token])


def invited(token: str) -> User | None:
    """The person behind a link; None when it is wrong, too old or used."""
    try:
        given = signing.loads(token, salt=SALT, max_age=WEEK_S)
    except signing.BadSignature:
        return None
    person = User.objects.filter(pk=given["person"], is_active=True).first()
    if person is None or person.has_usable_password() or person.password[-16:] != given["stamp"]:
        return None
    return person


def accept(*, person: User, password: str) -> None:
    """Set the password that an invited person chose; raises ValidationError for a weak one."""
    validate_password(password, person)
    person.set_password(password)
    person.save(update_fields=["password"])
