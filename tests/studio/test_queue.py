"""The queue, seen from a page that waits."""

import threading

import pytest

from gan.studio.queue import run_queued
from gan.studio.strings import EN

pytestmark = pytest.mark.browser


def field(page, name):
    return page.locator(".pictures .field", has=page.get_by_text(EN[name], exact=True))


def slide(page, name, value):
    field(page, name).locator("input[type=range]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def sources(page):
    return page.eval_on_selector_all(".tile img", "images => images.map(image => image.src)")


def changed(page, before):
    page.wait_for_function(
        "before => JSON.stringify([...document.querySelectorAll('.tile img')].map(i => i.src)) !== before",
        arg=page.evaluate("sources => JSON.stringify(sources)", before),
    )
    return sources(page)


def test_who_waits_is_shown_their_place_in_the_queue(open_page):
    page = open_page("n=6")
    before, free = sources(page), threading.Event()
    others = [threading.Thread(target=run_queued, args=(free.wait,)) for _ in range(3)]
    try:
        for other in others:
            other.start()
        slide(page, "truncation", 0.5)
        page.wait_for_function("document.querySelector('.queue').textContent === 'Queue: 2 ahead of you'")
    finally:
        free.set()  # one was being served, and two were before us
    changed(page, before)
    page.wait_for_function("document.querySelector('.queue').textContent === ''")


def test_a_slow_look_at_the_queue_is_not_waiting(open_page):
    page = open_page("n=6")
    before, free, looks = sources(page), threading.Event(), []

    def slow(route):
        if '"fn_name":"queue_status"' in (route.request.post_data or ""):
            looks.append(route)
            page.wait_for_timeout(1000)  # longer than a request may take before it counts as waiting
        route.continue_()

    page.route("**/component_server/**", slow)
    other = threading.Thread(target=run_queued, args=(free.wait,))
    try:
        other.start()
        slide(page, "truncation", 0.5)
        page.wait_for_timeout(1500)
    finally:
        free.set()
    changed(page, before)
    page.wait_for_timeout(1000)
    seen = len(looks)
    page.wait_for_timeout(1500)
    assert 1 <= seen == len(looks)  # it has stopped looking
