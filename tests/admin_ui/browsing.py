"""What a browser would send of a form as it stands in a page."""

from __future__ import annotations

from html.parser import HTMLParser

Fields = dict[str, list[str]]


class _Form(HTMLParser):
    """Reads one form's successful controls, as HTML defines them; what stands in templates is no control."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.fields: Fields = {}
        self.inside = False
        self.templates = 0
        self.select: str | None = None
        self.area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self.inside = told.get("id") == self.form_id
        self.templates += tag == "template"
        if not self.inside or self.templates:
            return
        name, value = told.get("name"), told.get("value")
        if tag == "input" and name and not self._left_out(told):
            self.fields.setdefault(name, []).append(value if value is not None else "on")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in told:
            self.fields.setdefault(self.select, []).append(value or "")
        elif tag == "textarea" and name:
            self.area = name
            self.fields[name] = [""]

    def _left_out(self, told: dict[str, str | None]) -> bool:
        return told.get("type") in ("checkbox", "radio") and "checked" not in told

    def handle_endtag(self, tag: str) -> None:
        self.templates -= tag == "template"
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area][0] += data.removeprefix("\n") if not self.fields[self.area][0] else data


def fields_of(page: str, form_id: str) -> Fields:
    """Name and values of everything the form would send."""
    form = _Form(form_id)
    form.feed(page)
    return form.fields
