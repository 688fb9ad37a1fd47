"""Pages of a list: whole, without gaps, and honest about how many there are."""

from __future__ import annotations

from exchange.portal.paging import Page, cut, start


def test_pages_together_are_the_list() -> None:
    every = list(range(101))
    pages = [cut(every, number) for number in range(1, 4)]
    assert [item for page in pages for item in page.items] == every
    assert {(page.last, page.total) for page in pages} == {(3, 101)}
    assert [start(number) for number in (1, 2, 3)] == [0, 50, 100]


def test_beyond_the_end_is_empty_and_an_empty_list_has_one_page() -> None:
    assert (cut([1], 9).items, cut([1], 9).last) == ([], 1)
    assert Page([], 1, 0).last == 1
