"""The texts of the server's pages and their translations: `python -m webapp.devtools.messages [--write]`.

Lists what each catalogue lacks or holds in vain; `--write` puts what is missing into the catalogues, untranslated, and
takes out what nothing uses. Texts are found in templates and in calls of gettext.
"""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from webapp.config.catalogues import entries_of

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "webapp" / "locale"
PLURALS = {
    "de": "nplurals=2; plural=(n != 1);",
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;",
}
NAMES = {"_", "gettext", "gettext_lazy", "lazy", "ngettext"}
SKIPPED = {"frontend", "migrations", "devtools", "demo"}
Message = tuple[str, str]  # text and plural, "" where there is none


def used() -> dict[Message, str]:
    """Every text of the pages, with where it is used first. Django has to be configured."""
    found: dict[Message, str] = {}
    for path in sorted((ROOT / "webapp").rglob("*")):
        relative = path.relative_to(ROOT)
        if set(relative.parts) & SKIPPED or path.suffix not in (".py", ".html"):
            continue
        text = path.read_text("utf-8")
        source = text if path.suffix == ".py" else templatize(text, origin=str(relative))
        for message in calls(source):
            found.setdefault(message, str(relative))
    return found


def calls(source: str) -> Iterator[Message]:
    """The texts of all calls of gettext in Python, or in what `templatize` makes of a template."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        # A template becomes calls between runs of X: every line holds at most a few of them.
        for at in _beginnings(source):
            yield from _call_at(source, at)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if texts:
                yield texts[0], texts[1] if node.func.id == "ngettext" and len(texts) > 1 else ""


def _beginnings(source: str) -> Iterator[int]:
    at = -1
    while (at := source.find("gettext(", at + 1)) >= 0:
        start = at - 1 if source[at - 1 : at] == "n" else at
        yield start


def _call_at(source: str, at: int) -> Iterator[Message]:
    """The call that begins here: the shortest piece up to a closing bracket that can be parsed."""
    end = at
    while (end := source.find(")", end) + 1) > 0:
        try:
            ast.parse(source[at:end])
        except SyntaxError:
            continue
        yield from calls(source[at:end])
        return


def known(language: str) -> dict[Message, list[str]]:
    """The messages of a catalogue with their forms."""
    path = LOCALE / language / "django.po"
    found: dict[Message, list[str]] = {}
    for entry in entries_of(path.read_text("utf-8") if path.exists() else ""):
        forms = [entry[name] for name in sorted(n for n in entry if n.startswith("msgstr"))]
        if entry.get("msgid"):
            found[entry["msgid"], entry.get("msgid_plural", "")] = forms
    return found


def missing(language: str) -> list[Message]:
    """What a catalogue does not translate."""
    have = known(language)
    return [message for message in used() if not all(have.get(message, [""]))]


def catalogue(language: str) -> str:
    """The text of a catalogue with all that is used and nothing else, in the order of its texts."""
    have, forms = known(language), int(PLURALS[language].partition("=")[2][0])
    out = [
        'msgid ""',
        'msgstr ""',
        '"Content-Type: text/plain; charset=UTF-8\\n"',
        f'"Language: {language}\\n"',
        f'"Plural-Forms: {PLURALS[language]}\\n"',
    ]
    for (text, plural), where in sorted(used().items()):
        out += ["", f"#: {where}", f"msgid {_quoted(text)}"]
        translated = have.get((text, plural), [])
        if plural:
            out.append(f"msgid_plural {_quoted(plural)}")
            padded = translated + [""] * (forms - len(translated))
            out += [f"msgstr[{n}] {_quoted(form)}" for n, form in enumerate(padded)]
        else:
            out.append(f"msgstr {_quoted(translated[0] if translated else '')}")
    return "\n".join(out) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")
    lacking = 0
    for language in PLURALS:
        if "--write" in sys.argv[1:]:
            (LOCALE / language).mkdir(parents=True, exist_ok=True)
            (LOCALE / language / "django.po").write_text(catalogue(language), "utf-8")
        gone = missing(language)
        lacking += len(gone)
        print(f"{language}: {len(known(language))} texts, {len(gone)} not translated")
        for text, _plural in gone:
            print(f"  {text}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
