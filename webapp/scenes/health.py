"""What was wrong with pictures at their import: what was refused or left out, and what is nearly black or tiny."""

from collections.abc import Iterable, Sequence

from webapp.people.models import Organisation
from webapp.scenes.importers.records import Problem
from webapp.scenes.models import DARK, TINY, Dataset

MOST_KEPT = 200  # files that were refused or left out, the newest
FLAWS = {"dark": DARK, "tiny": TINY}
COPY = "is the same picture as another one"


def note_refused(organisation: Organisation, project: str, dataset: str, problems: Sequence[Problem]) -> None:
    """Keep what an import was refused for, where its data set exists; nothing of the import itself was stored."""
    rows = Dataset.objects.filter(project__organisation=organisation.pk, project__name=project, name=dataset)
    for row in rows:
        keep(row, [(p.file, p.message) for p in problems[:MOST_KEPT]])


def keep(dataset: Dataset, found: Iterable[tuple[str, str]], *, stored: Iterable[str] = ()) -> None:
    """Add files and why they were refused or left out, and forget those that are stored by now."""
    fresh = [[name, why] for name, why in found]
    names = {name for name, _ in fresh} | set(stored)
    if not names:
        return
    rest = [entry for entry in dataset.refused if entry[0] not in names]
    dataset.refused = [*rest, *fresh][-MOST_KEPT:]
    dataset.save(update_fields=["refused"])
