"""Compiles the pages' message catalogues: `webapp/locale/<language>/django.po`, which people edit, to the `.mo` files that
gettext reads. A built file has no place in the repository, and gettext's own compiler is not on every machine."""

import ast
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

Messages = dict[str, str]
MAGIC = 0x950412DE
CONTEXT, PLURAL = "\x04", "\0"  # between context and text, and between plural forms, in a .mo file


def read_po(text: str) -> Messages:
    """Return the translated messages of a .po file by their key in a .mo file; untranslated ones are left out.

    Raises ValueError naming the line for what cannot be read.
    """
    found: Messages = {}
    for entry in entries_of(text):
        key = entry.get("msgid", "")
        if "msgctxt" in entry:
            key = f"{entry['msgctxt']}{CONTEXT}{key}"
        forms = [entry[name] for name in sorted(n for n in entry if n.startswith("msgstr"))]
        if "msgid_plural" in entry:
            key = f"{key}{PLURAL}{entry['msgid_plural']}"
        if all(forms) and forms:
            found[key] = PLURAL.join(forms)
    return found


def entries_of(text: str) -> Iterator[dict[str, str]]:
    """The fields of each entry: msgctxt, msgid, msgid_plural, msgstr, msgstr[0], ..."""
    entry: dict[str, str] = {}
    field = ""
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if not line.startswith('"'):
                field, line = line.split(maxsplit=1)
                if field in ("msgctxt", "msgid") and any(name.startswith("msgstr") for name in entry):
                    yield entry
                    entry = {}
                entry[field] = ""
            entry[field] += ast.literal_eval(line)
        except (ValueError, SyntaxError, KeyError) as error:
            raise ValueError(f"line {number}: {line!r} is no part of a message") from error
    if entry:
        yield entry


def write_mo(messages: Mapping[str, str]) -> bytes:
    """Return a .mo file, as described in the manual of GNU gettext, with the messages in order of their keys."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    count = len(pairs)
    at = 28 + 16 * count
    tables: list[bytes] = []
    for side in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[side]), at))
            at += len(pair[side]) + 1
    header = struct.pack("<7I", MAGIC, 0, count, 28, 28 + 8 * count, 0, 28 + 16 * count)
    return header + b"".join(tables) + b"".join(p[side] + b"\0" for side in (0, 1) for p in pairs)


def compiled(source: Path, target: Path) -> Path:
    """Bring the .mo files below `target` up to date with the .po files below `source`; return `target`."""
    for po in sorted(source.glob("*/django.po")):
        mo = target / po.parent.name / "LC_MESSAGES" / "django.mo"
        if mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns:
            continue
        mo.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may start at once: each writes a file of its own and moves it into place.
        handle, name = tempfile.mkstemp(dir=mo.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(write_mo(read_po(po.read_text("utf-8"))))
        os.replace(name, mo)
    return target
