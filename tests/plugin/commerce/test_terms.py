"""Words as search sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.commerce.terms import LONGEST_TERM, MOST_TERMS, customer_terms, fold, sort_name, words


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Nguyễn", "nguyen"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("Łucja", "łucja"),  # a letter of its own, not an l with a mark
        ("Шевченко", "шевченко"),
        ("황보 하은", "황보 하은"),
        ("ﬁka", "fika"),
        ("İzmir", "izmir"),
    ],
)
def test_case_and_accents_go_and_letters_stay(typed: str, kept: str) -> None:
    assert fold(typed) == kept


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_words_are_few_and_short_and_none_twice(text: str) -> None:
    found = words(text)
    assert len(found) == len(set(found)) <= MOST_TERMS
    assert all(0 < len(word) <= LONGEST_TERM for word in found)


def test_a_customer_is_found_by_each_word_the_whole_address_and_the_digits_of_the_phone() -> None:
    terms = customer_terms("Anna-Maria", "Kowalska", "anna.k@example.com", "+48 500-100-200")
    assert {"anna", "maria", "kowalska", "example", "anna.k@example.com", "48500100200"} <= set(terms)
    assert customer_terms(None, None, None, None) == []


def test_people_are_sorted_by_last_name_and_by_address_without_one() -> None:
    assert sort_name("Łucja", "Nguyễn", "x@example.com") == "nguyen łucja"
    assert sort_name(None, None, "X@example.com") == "x@example.com"
    assert sort_name(None, None, None) == ""
