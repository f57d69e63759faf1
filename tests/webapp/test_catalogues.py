"""The pages' languages: every text is translated, catalogues compile, pages follow the person's choice."""

import gettext
import re
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client

from webapp.config.catalogues import compiled, read_po, write_mo
from webapp.devtools import messages
from webapp.people.models import User
from webapp.projects.models import Project

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+")
FORMS = {"de": 2, "ar": 6}


class TestCatalogues:
    @pytest.mark.parametrize("language", list(FORMS))
    def test_translate_every_text_of_the_pages(self, language: str) -> None:
        assert messages.missing(language) == []

    @pytest.mark.parametrize("language", list(FORMS))
    def test_hold_nothing_that_is_not_used(self, language: str) -> None:
        assert set(messages.known(language)) <= set(messages.used())

    @pytest.mark.parametrize("language", list(FORMS))
    def test_keep_placeholders_and_plural_forms(self, language: str) -> None:
        for (text, plural), forms in messages.known(language).items():
            wanted = sorted(PLACEHOLDER.findall(text))
            assert len(forms) == (FORMS[language] if plural else 1), text
            for form in forms:
                found = sorted(PLACEHOLDER.findall(form))
                # "One picture" need not say the number.
                assert found == wanted or (plural and set(found) <= set(wanted)), (text, form)

    def test_find_texts_in_templates_and_code(self) -> None:
        used = messages.used()

        assert ("New project", "") in used
        assert ("%(n)s picture", "%(n)s pictures") in used
        assert ("%(n)d picture added.", "%(n)d pictures added.") in used
        assert len(used) > 400


class TestCompiler:
    PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

#: somewhere.py
msgid "Say \\"hi\\""
msgstr "Sag "
"„Hallo“\\n"

msgid "{n} day"
msgid_plural "{n} days"
msgstr[0] "{n} Tag"
msgstr[1] "{n} Tage"

msgctxt "month"
msgid "May"
msgstr "Mai"

msgid "left alone"
msgstr ""
"""

    def test_makes_what_gettext_reads(self) -> None:
        catalogue = gettext.GNUTranslations(BytesIO(write_mo(read_po(self.PO))))

        assert catalogue.gettext('Say "hi"') == "Sag „Hallo“\n"
        assert [catalogue.ngettext("{n} day", "{n} days", n) for n in (1, 2)] == ["{n} Tag", "{n} Tage"]
        assert catalogue.pgettext("month", "May") == "Mai"
        assert catalogue.gettext("left alone") == "left alone"

    @pytest.mark.parametrize("broken", ['msgid "open', "msgid x", "nonsense", '"floating"'])
    def test_names_the_line_that_it_cannot_read(self, broken: str) -> None:
        with pytest.raises(ValueError, match="line 2"):
            read_po(f"\n{broken}")

    def test_compiles_again_what_changed(self, tmp_path: Path) -> None:
        po = tmp_path / "locale" / "de" / "django.po"
        po.parent.mkdir(parents=True)
        po.write_text(self.PO)
        compiled(po.parents[1], tmp_path / "out")
        mo = tmp_path / "out" / "de" / "LC_MESSAGES" / "django.mo"
        first = mo.read_bytes()

        po.write_text(self.PO.replace("Mai", "Wonnemonat"))
        compiled(po.parents[1], tmp_path / "out")

        assert mo.read_bytes() != first


class TestPages:
    def test_follow_the_browser_and_then_the_choice(
        self, client: Client, otto: User, project: Project
    ) -> None:
        client.force_login(otto)

        german = client.get("/projects/", headers={"accept-language": "de-AT,en;q=0.5"}).content.decode()
        client.post("/language/", {"language": "ar", "next": "/projects/"})
        arabic = client.get("/projects/", headers={"accept-language": "de"}).content.decode()

        assert '<html lang="de" dir="ltr"' in german
        assert "Neues Projekt" in german
        assert '<html lang="ar" dir="rtl"' in arabic
        assert "مشروع جديد" in arabic

    def test_show_the_operations_room_in_the_viewers_language(
        self, client: Client, otto: User, project: Project
    ) -> None:
        client.force_login(otto)

        assert "Warteschlange" not in client.get("/ops/").content.decode()
        assert (
            "Noch keine Datensätze" in client.get("/ops/", headers={"accept-language": "de"}).content.decode()
        )

    def test_fall_back_to_english(self, client: Client) -> None:
        assert '<html lang="en"' in client.get("/login/", headers={"accept-language": "fi"}).content.decode()
