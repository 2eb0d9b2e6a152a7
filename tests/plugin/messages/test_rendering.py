"""Templates of merchants are programs: bombs are stopped, the worker lives, data never becomes markup."""

from __future__ import annotations

import resource
import time

import pytest

from plugin.errors import Invalid
from plugin.messages import liquid_dialect, renderer, rendering, template_store
from plugin.messages.renderer import Job
from plugin.messages.rendering import Rendered
from plugin.messages.template_store import Compiled

LETTERS = "{% assign a = 'aaaaaaaaaa' %}"
BOMBS = {
    "a loop of a hundred million": "{% for i in (1..100000000) %}x{% endfor %}",
    "loops in loops": "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
    "a joined range": "{{ (1..100000000) | join: ',' }}",
    "a sorted range": "{{ (1..100000000) | sort | size }}",
    "chained replace": LETTERS + "{% assign a = a | replace: 'a', 'aaaaaaaaaa' %}" * 9 + "{{ a }}",
    "doubling": LETTERS + "{% assign a = a | append: a %}" * 40 + "{{ a }}",
    "a doubled list": "{% assign a = 'a,b' | split: ',' %}" + "{% assign a = a | concat: a %}" * 30 + "{{ a | size }}",
    "a number of a million digits": "{% assign n = 9999999999 %}" + "{% assign n = n | times: n %}" * 30 + "{{ n }}",
    "nested blocks": "{% if true %}" * 5000,
    "a captured loop": "{% for i in (1..9999) %}{% capture c %}{{ c }}xxxxxxxxxx{% endcapture %}{% endfor %}",
}
FORBIDDEN = {
    "switching escaping off": "{{ name | safe }}",
    "including a file": "{% include '../../etc/passwd' %}",
    "rendering a file": "{% render '../../etc/passwd' %}",
    "a filter nobody knows": "{{ name | system }}",
    "a tag without end": "{% for x in y %}",
}
HARMLESS = {
    "looking into an object": ("{{ o.__class__ }}{{ name.__class__.__mro__ }}", ""),
    "ten thousand filters": ("{{ 'a'" + " | append: ''" * 10_000 + " }}", "a"),
    "a long template": ("x" * 100_000, "x" * 100_000),
}
CANARY = "<img src=x onerror=alert(1)>\"'"


def filled(page: str, text: str = "text", **context: object) -> Rendered | Invalid:
    template = Compiled("digest", "subject", "preheader", page, text)
    return renderer.render_all({"t": template}, [Job("t", context)])[0]


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_stopped_and_the_next_mail_goes_out(bomb: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = filled(bomb)
    assert isinstance(answer, Invalid) or len(answer.html) < liquid_dialect.Dialect.output_stream_limit
    alive = filled("{{ name }}", name="Anna")
    assert isinstance(alive, Rendered) and alive.html == "Anna"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000, "kilobytes in the process that sends"


def test_a_bomb_costs_no_more_than_its_seconds() -> None:
    filled("warm")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = filled(BOMBS["a joined range"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert isinstance(answer, Invalid)
    assert after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime < renderer.CPU_SECONDS + 2


@pytest.mark.parametrize("template", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_templates_must_not_do_is_said_to_the_merchant(template: str) -> None:
    answer = filled(template, name=CANARY)
    assert isinstance(answer, Invalid)
    assert "template" in str(answer)


@pytest.mark.parametrize(("template", "expected"), HARMLESS.values(), ids=HARMLESS)
def test_what_is_odd_but_harmless_works(template: str, expected: str) -> None:
    answer = filled(template, o={"a": 1}, name="Anna")
    assert isinstance(answer, Rendered) and answer.html == expected


@pytest.mark.parametrize("name", sorted(liquid_dialect.FILTERS))
def test_no_filter_turns_data_into_markup(name: str) -> None:
    arguments = {"replace": "'x', 'y'", "replace_first": "'x', 'y'", "slice": "0, 90", "truncate": "90"}
    plain = f"{{{{ name | {name}: {arguments.get(name, repr('z'))} }}}}"
    for template in (f"{{{{ name | {name} }}}}", plain, f"{{{{ '<b>' | {name}: name }}}}"):
        answer = filled(template, name=CANARY)
        assert isinstance(answer, Invalid) or "<img" not in answer.html


def test_one_bomb_in_a_batch_stops_one_mail() -> None:
    templates = {
        "good": Compiled("1", "s", "p", "{{ n }}", "t"),
        "bomb": Compiled("2", "s", "p", BOMBS["a joined range"], "t"),
    }
    answers = renderer.render_all(
        templates, [Job("good", {"n": 1}), Job("bomb", {}), Job("good", {"n": 2}), Job("bomb", {})]
    )
    assert [answer.html if isinstance(answer, Rendered) else "stopped" for answer in answers] == [
        "1",
        "stopped",
        "2",
        "stopped",
    ]


def test_a_layout_that_crashes_its_compiler_is_said_to_the_merchant() -> None:
    with pytest.raises(Invalid) as refused:
        renderer.compile_mjml("<mjml><mj-body>" + "<mj-section><mj-column>" * 3000)
    assert refused.value.field == "mjml"


@pytest.mark.parametrize(
    "mjml",
    [
        "",
        "<p>x</p>",
        "<mjml><mj-body><mj-foo>",
        "<mjml><mj-body><mj-include path='/etc/passwd'/></mj-body></mjml>",
        "<mjml><mj-body><mj-raw><script>alert(1)</script></mj-raw></mj-body></mjml>",
        "<mjml><mj-body><mj-section><mj-column><mj-button href='JavaScript:alert(1)'>x</mj-button>"
        "</mj-column></mj-section></mj-body></mjml>",
    ],
)
def test_layouts_that_are_none_or_run_scripts_are_refused(mjml: str) -> None:
    with pytest.raises(Invalid):
        renderer.compile_mjml(mjml)


def test_liquid_survives_the_layout_compiler() -> None:
    page = renderer.compile_mjml(
        '<mjml><mj-body>{% for x in xs %}<mj-section><mj-column><mj-text>{% if 1 < 2 %}{{ x | append: "!" }}{% endif %}'
        "</mj-text><mj-button href='{{ url }}'>Go</mj-button></mj-column></mj-section>{% endfor %}</mj-body></mjml>"
    )
    answer = filled(page, xs=["a", "b"], url="https://x.example/?a=1&b=2")
    assert isinstance(answer, Rendered)
    assert "a!" in answer.html and "b!" in answer.html
    assert answer.html.count('href="https://x.example/?a=1&amp;b=2"') == 2


@pytest.mark.parametrize(
    ("template", "locale", "expected"),
    [
        ("{{ 123456 | money }}", "en", "€1,234.56"),
        ("{{ 123456 | money }}", "de", "1.234,56\xa0€"),
        ("{{ 500 | money: 'JPY' }}", "en", "¥500"),
        ("{{ 1500 | money: 'KWD' }}", "en", "KWD1.500"),
        ("{{ nothing | money }}", "en", ""),
        ("{{ 1234567 | number }}", "pl", "1\xa0234\xa0567"),
        ("{{ '2026-11-21T23:00:00+00:00' | date: 'long' }}", "uk", "21 листопада 2026\u202fр."),
        ("{{ 'soon' | date }}", "en", ""),
        ("{{ 100 | money }}", "xx-nonsense", "€1.00"),
    ],
)
def test_money_and_dates_read_as_people_write_them(template: str, locale: str, expected: str) -> None:
    answer = filled("page", template, currency="EUR", locale=locale)
    assert isinstance(answer, Rendered)
    assert answer.text.strip() == expected.strip()


# What follows from a click, or from buying: there is nothing to unsubscribe from.
SERVICE = ("reward", "referral_welcome", "referral_reward", "tier_up")


@pytest.mark.parametrize("name", template_store.BUILT_IN)
def test_the_built_in_mails_have_a_button_a_preheader_and_their_own_plain_text(name: str) -> None:
    context = {
        "shop": {"name": "Vector & Sons", "url": "https://s.example", "logo_url": "", "postal_address": "Street 1"},
        "customer": {"first_name": "<Anna>"},
        "currency": "EUR",
        "lines": [{"title": CANARY, "variant": "", "quantity": 1, "total_minor": 100, "image_url": ""}],
        "product": {"title": "Kochere", "url": "https://s.example/p", "image_url": "", "price_minor": 1, "vendor": ""},
        "field": {"label": "Tell me"},
        "cart_url": "https://s.example/cart",
        "url": "https://s.example/discount/A",
        "code": "ABC-123",
        "unsubscribe_url": "" if name in SERVICE else "https://regulars.example/u/t",
    }
    compiled = template_store.compiled_built_in(name)
    mail = renderer.render_all({name: compiled}, [Job(name, context)])[0]
    assert isinstance(mail, Rendered)
    assert "<img src=x" not in mail.html and "&lt;Anna&gt;" in mail.html and "Hello <Anna>" in mail.text
    assert "prefers-color-scheme: dark" in mail.html and "max-width:600px" in mail.html
    assert rendering.render(compiled.preheader, "", "", "", context).subject in mail.html
    assert "Street 1" in mail.html and "Street 1" in mail.text
    assert ("https://regulars.example/u/t" in mail.text) is (name not in SERVICE)
    assert "<" not in mail.text.replace("<Anna>", "").replace(CANARY, "")


def test_rendering_is_quick() -> None:
    compiled = template_store.compiled_built_in("reward")
    jobs = [Job("reward", {"code": str(number), "shop": {}, "customer": {}}) for number in range(50)]
    renderer.render_all({"reward": compiled}, jobs[:1])
    started = time.process_time()
    renderer.render_all({"reward": compiled}, jobs)
    assert time.process_time() - started < 0.5
