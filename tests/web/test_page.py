"""The timeline in a browser, walked as a reader would."""

import json
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks import generated
from browser import Visit, visiting
from servers import Server, serving
from stores import SqliteStores, migrated

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.slow

GAS = "serbia-azerbaijan-gas-contract"


def asked(page: "Page") -> dict[str, list[str]]:
    """What the URL says."""
    return parse_qs(urlsplit(page.url).query)


def listed(page: "Page") -> list[str]:
    """Ids of the events that are shown, in order."""
    ids = page.locator(".event").evaluate_all("all => all.map(e => e.id)")
    return [str(name).removeprefix("event-") for name in ids]


def read_down(page: "Page", number: int) -> None:
    """Go to the end of the page until it shows so many events, and no more after that."""
    for _ in range(100):
        if len(listed(page)) == number:
            break
        page.keyboard.press("End")
        page.wait_for_timeout(200)
    for _ in range(5):
        page.keyboard.press("End")
        page.wait_for_timeout(200)
    assert len(listed(page)) == number


def found(server: Server, query: str) -> list[str]:
    """Ids of the events that the API lists."""
    answer = server.ask(f"/events?limit=200&{query}")
    return [event["id"] for event in answer.json()["items"]]


def settled(page: "Page", said: str) -> None:
    """Wait until the page says so many events."""
    page.locator("#found", has_text=re.compile(f"^{said}$")).wait_for()


def narrow_to_aliyev(page: "Page") -> None:
    """Choose an actor."""
    page.goto("/")
    page.get_by_role("checkbox", name="Ilham Aliyev").check()
    settled(page, "10 of 33 events")


# -- filters --------------------------------------------------------------------------------------


def test_choosing_an_actor_narrows_the_list(visit: Visit, server: Server) -> None:
    """In place: the URL says it, a chip takes it back, and the counts follow."""
    page = visit.page
    narrow_to_aliyev(page)
    assert asked(page) == {"actor": ["ilham-aliyev"]}
    assert listed(page) == found(server, "actor=ilham-aliyev")
    statements = page.locator("label", has=page.locator("[name=type][value=statement]"))
    assert statements.locator(".count").inner_text() == str(
        len(found(server, "actor=ilham-aliyev&type=statement"))
    )
    page.get_by_role("link", name="actor: Ilham Aliyev").click()
    settled(page, "33 events")
    assert asked(page) == {}
    assert not page.get_by_role("checkbox", name="Ilham Aliyev").is_checked()


def test_words_are_looked_for_as_they_are_typed(visit: Visit, server: Server) -> None:
    """And leave one step behind in the history, not one a letter."""
    page = visit.page
    page.goto("/")
    before = page.evaluate("history.length")
    page.get_by_label("Text").press_sequentially("vucic gas", delay=30)
    page.wait_for_url(re.compile("q=vucic%20gas|q=vucic\\+gas"))
    settled(page, f"{len(found(server, 'q=vucic+gas'))} of 33 events")
    page.get_by_label("Text").fill("gas")
    page.wait_for_url(re.compile("q=gas$"))
    assert page.evaluate("history.length") == before + 1
    assert page.get_by_label("Text").evaluate("field => field === document.activeElement")


def test_what_is_refused_is_said_beside_its_field(visit: Visit) -> None:
    """By its label, as an alert; what was typed stays, and what was meant is a click away."""
    page = visit.page
    page.goto("/")
    page.get_by_text("A month, a year, a century").click()
    when = page.get_by_role("textbox", name="Date in EDTF")
    when.fill("Nov 2023")
    when.press("Enter")
    said = page.get_by_role("alert").filter(has_text="When")
    said.wait_for()
    assert said.inner_text() == ("When: Months are written as numbers: write 2023-11. Try 2023-11")
    assert when.get_attribute("aria-invalid") == "true"
    assert when.get_attribute("aria-describedby") == said.get_attribute("id")
    field, message = when.bounding_box(), said.bounding_box()
    assert field
    assert message
    assert 0 <= message["y"] - field["y"] - field["height"] < 10
    assert when.input_value() == "Nov 2023"
    assert "33 events" in page.locator("#found").inner_text()
    visit.complaints.clear()  # the browser says of a 422 that it failed
    said.get_by_role("link", name="Try 2023-11").click()
    page.wait_for_url("**date=2023-11")
    days = [page.get_by_label(label, exact=True).input_value() for label in ("From", "Until")]
    assert days == ["2023-11-01", "2023-11-30"]
    assert said.count() == 0
    assert when.get_attribute("aria-invalid") is None


def test_what_no_field_is_to_blame_for_is_said_above_them(visit: Visit) -> None:
    """And no longer than it is so."""
    page = visit.page
    page.goto("/")
    page.route(re.compile(r"q=gas&"), lambda route: route.abort())
    page.get_by_label("Text").fill("gas")
    page.get_by_role("alert").filter(has_text="cannot be reached").wait_for()
    visit.complaints.clear()
    page.get_by_label("Text").fill("gas contract")
    page.wait_for_url("**q=gas**")
    assert "".join(page.get_by_role("alert").all_inner_texts()) == ""


def test_on_a_phone_what_is_refused_is_seen(server: Server, browser: "Browser") -> None:
    """The sheet stays, with the field and what is wrong with it in sight."""
    with visiting(browser, base_url=server.url, viewport={"width": 375, "height": 500}) as visit:
        page = visit.page
        page.goto("/")
        page.get_by_role("button", name="Filters").click()
        known = page.get_by_label("Known by", exact=True)
        known.fill("last year")
        known.press("Enter")
        said = page.get_by_role("alert").filter(has_text="Known by")
        said.wait_for()
        box = said.bounding_box()
        assert box
        assert 0 <= box["y"] <= 500 - box["height"]
        known.fill("2023")
        known.press("Enter")
        page.wait_for_url("**known_by=2023")
        known.wait_for(state="hidden")


def test_on_a_phone_the_replay_is_seen(server: Server, browser: "Browser") -> None:
    """The sheet goes when it starts."""
    with visiting(browser, base_url=server.url, viewport={"width": 375, "height": 812}) as visit:
        page = visit.page
        page.goto("/")
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("button", name="Replay").click()
        page.wait_for_url("**known_by=**")
        assert not page.get_by_label("Text").is_visible()


@pytest.mark.parametrize("width", [375, 1440])
def test_a_replay_can_be_paused_wherever_one_is(
    server: Server, browser: "Browser", width: int
) -> None:
    """The button stays in sight, with the day that is shown."""
    with visiting(browser, base_url=server.url, viewport={"width": width, "height": 812}) as visit:
        page = visit.page
        page.goto("/")
        if width < 960:
            page.get_by_role("button", name="Filters").click()
        page.get_by_role("button", name="Replay").click()
        page.wait_for_url("**known_by=**")
        page.mouse.wheel(0, 3000)
        playing = page.locator("#playing")
        assert re.match(r"What was known by \d", playing.inner_text())
        playing.get_by_role("button", name="Pause").click()
        playing.wait_for(state="hidden")
        stopped = page.url
        page.wait_for_timeout(1500)
        assert page.url == stopped


def test_a_filter_begins_at_the_first_event(visit: Visit) -> None:
    """However far down the list it was set."""
    page = visit.page
    page.goto("/")
    page.evaluate("scrollTo(0, 3000)")
    page.locator("[name=actor][value=serbia]").check()
    page.wait_for_url("**actor=serbia")
    page.wait_for_timeout(200)
    first, strip = (
        page.locator(".event").first.bounding_box(),
        page.locator("#strip").bounding_box(),
    )
    assert first
    assert strip
    assert strip["y"] + strip["height"] <= first["y"] < 400


def test_on_a_phone_the_filters_are_a_sheet(server: Server, browser: "Browser") -> None:
    """Opened by a button, and gone once they are asked."""
    with visiting(browser, base_url=server.url, viewport={"width": 375, "height": 812}) as visit:
        page = visit.page
        page.goto("/")
        assert not page.get_by_label("Text").is_visible()
        page.get_by_role("button", name="Filters").click()
        close = page.get_by_role("button", name="Close").bounding_box()
        text = page.get_by_label("Text").bounding_box()
        assert close
        assert text
        assert text["y"] - close["y"] - close["height"] >= 8  # pixels between what is touched
        page.get_by_label("Text").fill("gas")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=gas")
        page.get_by_label("Text").wait_for(state="hidden")


def test_days_are_chosen_in_two_fields(visit: Visit, server: Server) -> None:
    """Either alone, too; the URL says it as short as can be."""
    page = visit.page
    page.goto("/")
    page.get_by_label("From", exact=True).fill("2023-01-01")
    page.wait_for_url("**date=2023/..")
    settled(page, f"{len(found(server, 'date=2023/..'))} of 33 events")
    page.get_by_label("Until", exact=True).fill("2022-12-31")
    page.get_by_role("alert").filter(has_text="When").wait_for()
    visit.complaints.clear()  # the browser says of a 422 that it failed
    page.get_by_label("Until", exact=True).fill("2023-12-31")
    page.wait_for_url("**date=2023")


def test_a_value_is_found_among_many(visit: Visit) -> None:
    """By any of its letters, also after the counts have changed."""
    page = visit.page
    page.goto("/")
    find = page.get_by_label("Find in: Actor")
    find.fill("vuc")
    actors = page.locator("fieldset", has=find).locator(".option:visible .label")
    assert actors.all_inner_texts() == ["Aleksandar Vučić"]
    page.get_by_role("checkbox", name="Aleksandar Vučić").check()
    page.wait_for_url("**actor=**")
    assert find.input_value() == "vuc"
    find.fill("srb")
    assert actors.all_inner_texts() == ["Srbijagas"]


def test_any_or_all_of_several_values_is_a_choice(visit: Visit, server: Server) -> None:
    """It is said, and counts follow it."""
    page = visit.page
    page.goto("/?actor=ilham-aliyev&actor=armenia")
    page.get_by_text("Events with any of these").wait_for()
    page.get_by_role("checkbox", name="only with all of them").check()
    page.wait_for_url("**all_of=actor**")
    both = found(server, "actor=ilham-aliyev&actor=armenia&all_of=actor")
    settled(page, f"{len(both)} of 33 events")
    page.get_by_text("Events with all of these").wait_for()
    page.get_by_role("checkbox", name="only with all of them").uncheck()
    page.wait_for_url(lambda url: "all_of" not in url)


def test_on_a_phone_the_foot_of_the_filters_says_what_they_find(
    server: Server, browser: "Browser"
) -> None:
    """Always in sight; and a finger can hit each row."""
    with visiting(browser, base_url=server.url, viewport={"width": 375, "height": 700}) as visit:
        page = visit.page
        page.goto("/")
        page.get_by_role("button", name="Filters").click()
        heights = page.locator("#filters .option:visible").evaluate_all(
            "all => all.map(option => option.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44
        page.get_by_role("checkbox", name="Statement").check()
        show = page.get_by_role("button", name="Show 6 events")
        show.wait_for()
        box = show.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 700
        assert box["height"] >= 44
        show.click()
        page.get_by_label("Text").wait_for(state="hidden")
        page.get_by_role("button", name="Filters").click()
        page.get_by_role("link", name="Clear", exact=True).click()
        settled(page, "33 events")


# -- time -----------------------------------------------------------------------------------------


def test_dragging_known_by_shows_what_was_known(visit: Visit, server: Server) -> None:
    """By the day that the slider names."""
    page = visit.page
    page.goto("/")
    slider = page.get_by_role("slider")
    box = slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=8)
    page.mouse.up()
    page.wait_for_url("**known_by=**")
    day = asked(page)["known_by"][0]
    known = found(server, f"known_by={day}")
    settled(page, f"{len(known)} of 33 events")
    assert listed(page) == known
    assert f"{len(known)} event" in page.locator("[data-replay] output").inner_text()
    slider.press("Home")
    settled(page, f"{len(found(server, 'known_by=' + steps(page)[0]))} of 33 events")
    slider.press("End")
    settled(page, "33 events")
    assert asked(page) == {}


def steps(page: "Page") -> list[str]:
    """The days on which something became known."""
    days = page.locator("[data-replay] li").evaluate_all("all => all.map(i => i.dataset.day)")
    return [str(day) for day in days]


def test_the_replay_ends_with_all_there_is(visit: Visit) -> None:
    """Step by step, and can be paused."""
    page = visit.page
    page.add_init_script(
        "const wait = setTimeout; window.setTimeout = (f, ms, ...more) => wait(f, ms / 20, ...more)"
    )
    page.goto("/")
    page.get_by_role("button", name="Replay").click()
    page.wait_for_url("**known_by=**")
    page.locator("[data-play]", has_text="Pause").wait_for()
    page.locator("[data-play]", has_text="Replay").wait_for()
    settled(page, "33 events")
    assert asked(page) == {}


def test_a_drag_over_the_strip_zooms(visit: Visit, server: Server) -> None:
    """Into the stretch of time between its ends; a click into one bar; and out again."""
    page = visit.page
    page.goto("/")
    page.locator("#strip").scroll_into_view_if_needed()
    box = page.locator("[data-strip]").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 20, steps=5)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "none"
    page.mouse.up()
    page.wait_for_url("**date=**")
    (window,) = asked(page)["date"]
    assert re.fullmatch(r"20\d\d-\d\d/20\d\d-\d\d", window)
    settled(page, f"{len(found(server, f'date={window}'))} of 33 events")
    page.locator("[data-strip] a").first.click()
    page.wait_for_url(lambda url: window not in url.replace("%2F", "/"))
    assert len(asked(page)["date"]) == 1
    page.get_by_role("link", name="All time").click()
    settled(page, "33 events")
    page.locator("#strip").get_by_role("link", name=re.compile("^2023: ")).click()
    page.wait_for_url("**date=2023")


@pytest.mark.parametrize("width", [375, 768, 1000, 1440])
def test_overview_strip_and_list_share_one_axis(
    server: Server, browser: "Browser", width: int
) -> None:
    """A year stands at the same place in all of them."""
    with visiting(browser, base_url=server.url, viewport={"width": width, "height": 900}) as visit:
        page = visit.page
        page.goto("/")
        places = "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.width])"
        overview = page.locator(".plots .axis").evaluate_all(places)
        strip = page.locator(".strip .axis").evaluate_all(places)
        tracks = page.locator(".track").evaluate_all(places)
        names = [page.locator(f"{p} .axis text").all_inner_texts() for p in (".plots", ".strip")]
        assert names[0] == names[1]
        for left, length in [*strip, *tracks]:
            assert [left, length] == pytest.approx(overview[0], abs=1)


@pytest.mark.parametrize("touch", [False, True])
def test_the_strip_is_read_by_pointer_finger_and_keyboard(
    server: Server, browser: "Browser", touch: bool
) -> None:
    """It says what a bar counts; arrows move on, and Enter zooms in."""
    size = {"width": 900, "height": 700}
    with visiting(browser, base_url=server.url, viewport=size, has_touch=touch) as visit:
        page = visit.page
        page.goto("/?view=list")
        readout, bars = page.locator(".readout"), page.locator("[data-strip] a")
        captions = bars.locator("title").all_text_contents()
        box = bars.nth(10).locator(".hit").bounding_box()
        assert box
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if touch:
            page.evaluate("addEventListener('click', e => e.preventDefault(), {capture: true})")
            page.touchscreen.tap(*middle)
        else:
            page.mouse.move(*middle)
        assert readout.inner_text() == captions[10]
        bars.first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert readout.inner_text() == captions[2]
        if not touch:
            page.keyboard.press("Enter")
            page.wait_for_url("**date=2020-03")


# -- an event -------------------------------------------------------------------------------------


def test_an_event_opens_beside_the_list(visit: Visit) -> None:
    """With its sources and history, the focus on its title; Escape gives the focus back."""
    page = visit.page
    narrow_to_aliyev(page)
    first = page.locator("h3 a").first
    first.click()
    title = page.locator("#opened-title")
    title.wait_for()
    assert title.evaluate("title => title === document.activeElement")
    opened = page.locator("#opened")
    assert "President of the Republic of Azerbaijan" in opened.inner_text()
    assert "Version 1: created by dateline seed" in opened.inner_text()
    page.keyboard.press("Escape")
    opened.locator("article").wait_for(state="detached")
    assert first.evaluate("link => link === document.activeElement")
    assert asked(page) == {"actor": ["ilham-aliyev"]}


def test_a_source_leads_to_all_that_it_reported(visit: Visit, server: Server) -> None:
    """Followed from the open event."""
    page = visit.page
    page.goto(f"/?event={GAS}")
    page.locator("#opened").get_by_role("link", name="Events that cite Balkan Green").click()
    page.wait_for_url("**source=balkan-green-energy-news-2023-11-15")
    reported = found(server, "source=balkan-green-energy-news-2023-11-15")
    settled(page, f"{len(reported)} of 33 events")
    assert listed(page) == reported


def test_going_back_restores_every_state(visit: Visit) -> None:
    """Filter, open event and field alike."""
    page = visit.page
    narrow_to_aliyev(page)
    page.locator("h3 a").first.click()
    page.locator("#opened-title").wait_for()
    page.go_back()
    page.locator("#opened article").wait_for(state="detached")
    page.go_back()
    settled(page, "33 events")
    assert not page.get_by_role("checkbox", name="Ilham Aliyev").is_checked()
    page.go_forward()
    settled(page, "10 of 33 events")
    assert page.get_by_role("checkbox", name="Ilham Aliyev").is_checked()


@pytest.mark.parametrize("width", [1024, 1440])
def test_an_event_that_opens_moves_nothing(server: Server, browser: "Browser", width: int) -> None:
    """Neither the line that was clicked, in sight beside the event, nor its mark on the axis."""
    with visiting(browser, base_url=server.url, viewport={"width": width, "height": 900}) as visit:
        page = visit.page
        page.goto("/")
        page.evaluate("scrollTo(0, 4000)")
        title = page.locator(".event h3 a").nth(25)
        title.evaluate("title => scrollTo(0, scrollY + title.getBoundingClientRect().y - 525)")
        mark = page.locator(".event .track").nth(25)
        before = title.bounding_box(), mark.bounding_box()
        title.click()
        page.locator("#opened-title").wait_for()
        page.wait_for_timeout(200)
        opened = title.bounding_box(), mark.bounding_box()
        page.get_by_role("link", name="Close").click()
        page.locator("#opened article").wait_for(state="detached")
        closed = title.bounding_box(), mark.bounding_box()
        assert before == opened == closed


def test_the_strip_shades_the_bars_of_what_is_on_screen(visit: Visit) -> None:
    """From the first to the last of them, wherever one reads."""
    page = visit.page
    page.goto("/?view=list")
    for number in (5, 20, 32):
        page.locator(".event h3 a").nth(number).scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        wrong = page.evaluate(
            """() => {
                const shade = document.querySelector(".on-screen").getBoundingClientRect();
                const strip = document.querySelector("[data-strip]").getBoundingClientRect();
                const bars = [...document.querySelectorAll("[data-strip] a")];
                const seen = [...document.querySelectorAll(".event .track")].filter((track) => {
                    const { y } = track.getBoundingClientRect();
                    return y > strip.bottom && y < innerHeight;
                });
                const bar_of = (track) => bars.findLast(
                    (bar) => Number(bar.dataset.x) <= Number(track.dataset.start)
                );
                return seen.map(bar_of).filter(Boolean).map((bar) => {
                    const left = strip.left + (strip.width * bar.dataset.x) / 100;
                    return left + (strip.width * bar.dataset.width) / 100 - shade.right;
                }).filter((beyond) => beyond > 1);
            }"""
        )
        assert wrong == []


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_going_back_from_an_event_leads_to_its_place(
    server: Server, browser: "Browser", width: int
) -> None:
    """Where the reader left the list, and the focus is on its title again."""
    with visiting(browser, base_url=server.url, viewport={"width": width, "height": 800}) as visit:
        page = visit.page
        page.goto("/")
        title = page.locator(".event h3 a").nth(20)
        title.evaluate("title => scrollTo(0, scrollY + title.getBoundingClientRect().y - 390)")
        before = title.bounding_box()
        title.click()
        page.locator("#opened-title").wait_for()
        page.go_back()
        page.locator("#opened article").wait_for(state="detached")
        page.wait_for_timeout(200)
        after = title.bounding_box()
        assert before
        assert after
        assert after["y"] == pytest.approx(before["y"], abs=3)
        assert title.evaluate("title => title === document.activeElement")


def test_a_state_is_the_same_when_it_is_loaded(visit: Visit) -> None:
    """A link to it shows what its sender saw."""
    page = visit.page
    narrow_to_aliyev(page)
    page.locator("h3 a").nth(2).click()
    page.locator("#opened-title").wait_for()
    before = [page.locator(part).text_content() for part in ("#main", "#opened")]
    page.reload()
    assert [page.locator(part).text_content() for part in ("#main", "#opened")] == before


def test_the_keyboard_is_enough(visit: Visit) -> None:
    """To skip to the events, to open one, to close it."""
    page = visit.page
    page.goto("/")
    page.keyboard.press("Tab")
    assert "Skip" in str(page.evaluate("document.activeElement.textContent"))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#opened-title").wait_for()
    page.keyboard.press("Escape")
    page.locator("#opened article").wait_for(state="detached")


def test_later_pages_come_as_the_end_comes_into_view(many: Server, browser: "Browser") -> None:
    """Every event once, under one heading a year."""
    with visiting(browser, base_url=many.url, viewport={"width": 1000, "height": 700}) as visit:
        page = visit.page
        page.goto("/")
        assert len(listed(page)) == 50
        for _ in range(40):
            page.mouse.wheel(0, 20_000)
            page.wait_for_timeout(50)
            if not page.locator("a[rel=next]").count():
                break
        assert listed(page) == found(many, "")
        years = page.locator(".year").evaluate_all("all => all.map(y => y.dataset.year)")
        assert len(years) == len(set(years))


def test_the_end_of_a_page_can_be_reached(tmp_path: Path, browser: "Browser") -> None:
    """After three pages more come when they are asked for; a menu leads to the end, too."""
    files = SqliteStores(tmp_path)
    url = files.new(migrated(files))
    generated.write(url, 260)
    size = {"width": 1000, "height": 700}
    with serving(url) as long, visiting(browser, base_url=long.url, viewport=size) as visit:
        page = visit.page
        page.goto("/")
        read_down(page, 200)
        assert page.get_by_role("link", name="API reference").is_visible()
        page.get_by_role("link", name="Show 50 more").click()
        page.locator(".event").nth(249).wait_for(state="attached")
        page.get_by_role("link", name="Show 10 more").wait_for()
        page.keyboard.press("Home")
        page.get_by_role("link", name="Download", exact=True).click()
        page.wait_for_timeout(300)
        heading = page.get_by_role("heading", name="Download").bounding_box()
        assert heading
        assert 0 <= heading["y"] < 700


@pytest.mark.parametrize("width", [375, 1440])
def test_a_list_is_as_long_as_it_is(many: Server, browser: "Browser", width: int) -> None:
    """The End key reaches its end, and nothing jumps on the way up, though little is laid out."""
    with visiting(browser, base_url=many.url, viewport={"width": width, "height": 700}) as visit:
        page = visit.page
        page.goto("/")
        read_down(page, 180)
        length = page.evaluate("document.documentElement.scrollHeight")
        for key in ("Home", "End"):
            page.keyboard.press(key)
            page.wait_for_timeout(1500)
        assert page.evaluate("scrollY + innerHeight") == pytest.approx(length, abs=2)
        for _ in range(60):
            page.mouse.wheel(0, -length / 60)
            page.wait_for_timeout(30)
            assert page.evaluate("document.documentElement.scrollHeight") == length
        settled = "all => all.filter(e => getComputedStyle(e).contentVisibility === 'auto').length"
        assert page.locator(".events li").evaluate_all(settled) == 150


def test_a_leap_over_the_end_of_the_list_brings_more(many: Server, browser: "Browser") -> None:
    """To the foot of the page, which is far below it on a phone."""
    size = {"width": 375, "height": 700}
    with visiting(browser, base_url=many.url, viewport=size) as visit:
        page = visit.page
        page.goto("/?view=list")
        page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
        page.locator(".event").nth(99).wait_for(state="attached")


def test_more_that_takes_long_to_come_counts_once(many: Server, browser: "Browser") -> None:
    """Whoever goes up and down meanwhile still gets three pages by going on."""

    def delay(route: "Route") -> None:
        time.sleep(0.5)
        route.continue_()

    size = {"width": 375, "height": 700}
    with visiting(browser, base_url=many.url, viewport=size) as visit:
        page = visit.page
        page.goto("/?view=list")
        page.route("**/*cursor=*", delay)
        for _ in range(6):
            page.keyboard.press("End")
            page.wait_for_timeout(100)
            page.keyboard.press("Home")
            page.wait_for_timeout(100)
        read_down(page, 180)


# -- one event a screen ---------------------------------------------------------------------------


def test_a_story_is_presented_event_by_event(visit: Visit, server: Server) -> None:
    """By arrows, in the order of the list; closing leads back to the event in the list."""
    page = visit.page
    page.goto("/?type=visit")
    page.get_by_role("link", name="Present").click()
    ids = found(server, "type=visit")
    page.wait_for_url(f"**present={ids[0]}")
    for number, event_id in enumerate(ids, 1):
        page.wait_for_url(f"**present={event_id}")
        page.locator(".pager p", has_text=f"{number} / {len(ids)}").wait_for()
        assert page.locator(".tiles .current").count() == 1
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**present={ids[-2]}")
    page.go_back()
    page.locator(".pager p", has_text=f"{len(ids)} / {len(ids)}").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_url(f"**event={ids[-1]}")
    page.locator("#opened-title").wait_for()
    page.go_back()
    page.locator("#present-title").wait_for()


def test_arrows_turn_the_screen_as_one_reads(visit: Visit, server: Server) -> None:
    """From right to left in Arabic."""
    page, ids = visit.page, found(server, "type=visit")
    page.goto(f"/?type=visit&lang=ar&present={ids[0]}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**present={ids[1]}")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**present={ids[0]}")


def test_another_language_is_a_whole_new_page(visit: Visit) -> None:
    """Chosen at its foot, and left again by going back; filters then stay in it."""
    page = visit.page
    page.goto("/?type=visit")
    page.get_by_role("link", name="العربية").click()
    page.locator("html[dir=rtl]").wait_for()
    assert page.locator("#found").inner_text() == "3 من 33 حدثًا"
    page.locator("#chips a").first.click()
    page.wait_for_url("**/?lang=ar")
    page.locator("#found", has_text=re.compile("^33 حدثًا$")).wait_for()
    page.go_back()
    page.go_back()
    page.locator("html[dir=ltr]").wait_for()
    assert page.locator("#found").inner_text() == "3 of 33 events"


@pytest.mark.parametrize("width", [375, 1440])
def test_a_page_from_right_to_left_is_no_wider_than_its_window(
    server: Server, browser: "Browser", width: int
) -> None:
    """In every view; lanes, axis and strip lie below one another."""
    size = {"width": width, "height": 900}
    with visiting(browser, base_url=server.url, viewport=size) as visit:
        page = visit.page
        for query in ("", "&view=list", "&view=map", f"&event={GAS}", f"&present={GAS}"):
            page.goto(f"/?lang=ar{query}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, query
        page.goto("/?lang=ar")
        lefts = page.locator(".plots .axis svg, .lane .rows, .bars").evaluate_all(
            "parts => parts.filter(part => part.getClientRects().length)"
            ".map(part => part.getBoundingClientRect().left)"
        )
        assert max(lefts) - min(lefts) < 2


def test_a_swipe_turns_the_screen(server: Server, browser: "Browser") -> None:
    """To the left for the next one, to the right for the one before; scrolling turns nothing."""
    size = {"width": 375, "height": 700}
    with visiting(browser, base_url=server.url, viewport=size, has_touch=True) as visit:
        page = visit.page
        ids = found(server, "type=visit")
        page.goto(f"/?type=visit&present={ids[0]}")
        session = page.context.new_cdp_session(page)

        def swipe(start: tuple[int, int], end: tuple[int, int]) -> None:
            for kind, points in (("Start", [start]), ("Move", [end]), ("End", [])):
                touches = [{"x": x, "y": y} for x, y in points]
                session.send(
                    "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches}
                )

        swipe((300, 300), (290, 150))
        page.wait_for_timeout(300)
        assert ids[0] in page.url
        swipe((300, 300), (80, 310))
        page.wait_for_url(f"**present={ids[1]}")
        swipe((80, 300), (300, 310))
        page.wait_for_url(f"**present={ids[0]}")


def test_the_whole_screen_stays_while_events_change(visit: Visit) -> None:
    """It is left by its button."""
    page = visit.page
    page.goto(f"/?present={GAS}")
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(lambda url: GAS not in url)
    assert page.evaluate("!!document.fullscreenElement")
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("!document.fullscreenElement")


@pytest.mark.parametrize("width", [375, 1440])
def test_a_replay_lights_what_became_known(server: Server, browser: "Browser", width: int) -> None:
    """On an axis that stays; events that are not known yet are outlines in their places."""
    with visiting(browser, base_url=server.url, viewport={"width": width, "height": 900}) as visit:
        page = visit.page
        page.goto("/")
        names, marks = page.locator(".plots .axis text"), page.locator("[data-mark]:visible")
        places = dict(zip(marks.evaluate_all(IDS), marks.evaluate_all(PLACES), strict=True))
        axis = names.all_text_contents()
        for known, day in enumerate(steps(page)[-4:-1]):
            page.evaluate(
                "day => { const f = document.querySelector('#known_by'); f.value = day;"
                " f.dispatchEvent(new Event('change', {bubbles: true})) }",
                day,
            )
            page.wait_for_url(f"**known_by={day}")
            assert names.all_text_contents() == axis
            number = len(found(server, f"known_by={day}"))
            page.get_by_text("What sources had reported by").wait_for()
            assert f"{number} of 33 events" in page.locator(".known").inner_text()
            shown = dict(zip(marks.evaluate_all(IDS), marks.evaluate_all(PLACES), strict=True))
            assert len(shown) == number
            assert page.locator(".outlined:visible").count() == 33 - number
            assert shown.items() <= places.items()
            assert known == 0 or page.locator("[data-mark].arrived:visible").count() > 0


IDS = "all => all.map(mark => mark.dataset.mark)"
PLACES = (
    "all => all.map(mark => mark.querySelector('.hit'))"
    ".map(hit => `${hit.getAttribute('x1')} ${hit.getAttribute('y1')}`)"
)


# -- haste ----------------------------------------------------------------------------------------


def slowly(page: "Page", milliseconds: int = 400) -> None:
    """Let every answer to the script take its time."""
    page.add_init_script(
        "const fetched = fetch; window.fetch = async (...a) => {"
        f" await new Promise(done => setTimeout(done, {milliseconds})); return fetched(...a) }}"
    )


def test_a_change_during_another_is_not_lost(visit: Visit) -> None:
    """An answer that is late must not undo what was chosen since."""
    page = visit.page
    slowly(page)
    page.goto("/")
    page.get_by_role("checkbox", name="Statement").check()
    page.wait_for_timeout(500)
    page.get_by_role("checkbox", name="Aleksandar Vučić").check()
    page.wait_for_url("**actor=**")
    assert asked(page) == {"type": ["statement"], "actor": ["aleksandar-vucic"]}


def test_an_event_opened_while_typing_opens_under_what_was_typed(visit: Visit) -> None:
    """And stays open."""
    page = visit.page
    page.goto("/")
    page.get_by_label("Text").press_sequentially("gas")
    page.locator(f"#event-{GAS} h3 a").click()
    page.locator("#opened-title").wait_for()
    page.wait_for_timeout(500)
    assert asked(page) == {"q": ["gas"], "event": [GAS]}
    assert page.locator("#opened-title").is_visible()


def test_enter_after_typing_is_one_step(visit: Visit) -> None:
    """Back undoes it at once, also in the field that has the focus."""
    page = visit.page
    page.goto("/")
    before = page.evaluate("history.length")
    page.get_by_label("Text").press_sequentially("gas")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=gas")
    page.wait_for_timeout(500)
    assert page.evaluate("history.length") == before + 1
    page.get_by_label("Text").focus()
    page.go_back()
    settled(page, "33 events")
    assert page.get_by_label("Text").input_value() == ""


def test_whatever_else_is_done_ends_the_replay(visit: Visit) -> None:
    """It does not take over again."""
    page = visit.page
    page.goto("/")
    page.get_by_role("button", name="Replay").click()
    page.wait_for_url("**known_by=**")
    page.locator("h3 a").first.click()
    page.locator("#opened-title").wait_for()
    page.wait_for_timeout(1500)
    assert page.locator("#opened-title").is_visible()
    page.locator("[data-play]", has_text="Replay").wait_for(state="attached")


def test_an_event_opens_far_down_a_long_list(many: Server, browser: "Browser") -> None:
    """Which stays as it was loaded, and has the focus back at the end."""
    with visiting(browser, base_url=many.url, viewport={"width": 1440, "height": 700}) as visit:
        page = visit.page
        page.goto("/")
        page.locator("a[rel=next]").scroll_into_view_if_needed()
        page.locator(".event").nth(99).wait_for(state="attached")
        link = page.locator("h3 a").nth(80)
        link.click()
        page.locator("#opened-title").wait_for()
        assert len(listed(page)) >= 100
        assert page.locator(".event[aria-current]").count() == 1
        page.keyboard.press("Escape")
        page.locator("#opened article").wait_for(state="detached")
        assert link.evaluate("link => link === document.activeElement")
        assert len(listed(page)) >= 100


@pytest.mark.parametrize("status", [503, 200])
def test_a_page_that_cannot_be_had_leaves_its_link(
    many: Server, browser: "Browser", status: int
) -> None:
    """A list is never cut in silence."""
    with visiting(browser, base_url=many.url) as visit:
        page = visit.page
        answer = "<!doctype html><p>Busy"
        page.route(
            "**cursor=**", lambda r: r.fulfill(status=status, body=answer, content_type="text/html")
        )
        page.goto("/")
        page.locator("a[rel=next]").scroll_into_view_if_needed()
        page.locator("a[rel=next]").click()
        page.wait_for_timeout(300)
        assert page.locator("a[rel=next]").is_visible()
        assert len(listed(page)) == 50


def test_old_strips_are_let_go(visit: Visit) -> None:
    """However often the page changes."""
    page = visit.page
    page.goto("/")
    session = page.context.new_cdp_session(page)
    counts = []
    for _ in range(2):
        for _ in range(8):
            page.get_by_role("checkbox", name="Ilham Aliyev").click()
            page.locator("#chips a").first.wait_for()
            page.get_by_role("checkbox", name="Ilham Aliyev").click()
            settled(page, "33 events")
        session.send("HeapProfiler.collectGarbage")
        counts.append(session.send("Memory.getDOMCounters"))
    assert counts[1]["nodes"] < 1.3 * counts[0]["nodes"]
    assert counts[1]["jsEventListeners"] < 1.3 * counts[0]["jsEventListeners"]


# -- without JavaScript ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["/", "/?type=visit", f"/?event={GAS}", f"/?present={GAS}", "/embed?q=gas"]
)
def test_without_javascript_the_same_is_there(
    server: Server, browser: "Browser", target: str
) -> None:
    """Events, counts, sources, the open event with its history."""
    parts = ("#main", "#opened", "#facets")
    told: list[Any] = []
    for enabled in (True, False):
        with visiting(browser, base_url=server.url, java_script_enabled=enabled) as visit:
            visit.page.goto(target)
            # What only a script can do has a button that only a script shows.
            visit.page.locator(".copy:visible, .scripted:visible").evaluate_all(
                "all => all.forEach(button => button.remove())"
            )
            texts = [visit.page.locator(part).all_inner_texts() for part in parts]
            told.append((texts, listed(visit.page)))
    assert told[0] == told[1]


def test_without_javascript_the_form_works(server: Server, browser: "Browser") -> None:
    """And its empty fields leave no trace in the URL."""
    with visiting(browser, base_url=server.url, java_script_enabled=False) as visit:
        page = visit.page
        page.goto("/")
        above, below = (button.bounding_box() for button in page.get_by_role("button").all())
        text = page.get_by_label("Text").bounding_box()
        assert above
        assert below
        assert text
        assert above["y"] < text["y"] < below["y"]
        page.get_by_label("Text").fill("gas")
        page.get_by_role("checkbox", name="Contract").check()
        page.get_by_role("button", name="Show").first.click()
        assert asked(page) == {"q": ["gas"], "type": ["contract"]}
        assert listed(page) == found(server, "q=gas&type=contract")


@pytest.mark.parametrize("width", [375, 1440])
def test_without_javascript_closing_an_event_leads_to_its_place(
    server: Server, browser: "Browser", width: int
) -> None:
    """In the list, not to its beginning."""
    size = {"width": width, "height": 800}
    with visiting(browser, base_url=server.url, viewport=size, java_script_enabled=False) as visit:
        visit.page.goto(f"/?event={GAS}")
        visit.page.get_by_role("link", name="Close").click()
        visit.page.wait_for_url(f"**/#event-{GAS}")
        box = visit.page.locator(f"#event-{GAS}").bounding_box()
        assert box
        assert 0 < box["y"] < 400


# -- whatever the screen --------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 375, 768, 1024, 1440, 2560])
@pytest.mark.parametrize(
    "target", ["/", f"/?event={GAS}", f"/?present={GAS}", "/embed", "/?tpye=x"]
)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_sticks_out(
    server: Server, browser: "Browser", width: int, target: str, direction: str
) -> None:
    """From a phone to a wall, read from the left or from the right."""
    size = {"width": width, "height": 800}
    with visiting(browser, base_url=server.url, viewport=size) as visit:
        visit.page.goto(target)
        visit.page.evaluate("direction => { document.dir = direction }", direction)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 375, 768, 1024, 1440, 2560])
@pytest.mark.parametrize(
    "target",
    [
        "/",
        f"/?event={GAS}",
        "/?date=2020-03/2022-08",
        "/?date=2023-05/2024-05",
        "/?type=contract",
        "/?date=0900/2023",
        "/embed?date=2023-11",
    ],
)
def test_the_names_on_the_axis_can_be_read(
    server: Server, browser: "Browser", width: int, target: str
) -> None:
    """Beside each other, none cut, a few at least where there are a few."""
    size = {"width": width, "height": 800}
    with visiting(browser, base_url=server.url, viewport=size) as visit:
        visit.page.goto(target)
        axes = visit.page.locator(".axis").evaluate_all(
            "axes => axes.map(axis => [axis, ...axis.querySelectorAll('a text')]"
            ".filter(e => e === axis || e.closest('a').checkVisibility())"
            ".map(e => e.getBoundingClientRect()).map(box => [box.left, box.right]))"
        )
        for axis, *names in axes:
            if names:  # an open event hides the strip where there is no room beside it
                assert all(one[1] + 2 < other[0] for one, other in pairwise(names))
                assert axis[0] <= names[0][0]
                assert names[-1][1] <= axis[1] + 1
                assert len(names) > 1
        assert axes


def test_on_paper_there_are_events_and_no_controls(visit: Visit) -> None:
    """With the addresses of sources spelt out."""
    page = visit.page
    page.goto("/")
    page.emulate_media(media="print")
    assert page.locator(".event").first.is_visible()
    for control in ("#filters", ".bottom", ".more"):
        assert not page.locator(control).first.is_visible()


def test_the_embed_code_is_copied(server: Server, browser: "Browser") -> None:
    """As it stands, for the state that is shown."""
    allowed = ["clipboard-read", "clipboard-write"]
    with visiting(browser, base_url=server.url, permissions=allowed) as visit:
        visit.page.goto("/?type=visit")
        visit.page.get_by_role("button", name="Copy embed code").click()
        visit.page.get_by_role("button", name="Copied").wait_for()
        copied = str(visit.page.evaluate("navigator.clipboard.readText()"))
        assert f'<date-line src="{server.url}/embed?type=visit">' in copied
        assert f'src="{server.url}/embed.js"' in copied


def test_an_embed_is_fitted_before_it_is_copied(visit: Visit) -> None:
    """The code says what is chosen, and the preview shows it."""
    page = visit.page
    page.goto("/?type=visit")
    code, frame = page.locator("#code"), page.frame_locator("[data-builder] iframe")
    plain = code.input_value()
    page.locator("#embedding").scroll_into_view_if_needed()
    frame.locator("#overview").wait_for()
    page.get_by_label("Shows").select_option("list")
    page.get_by_label("Theme").select_option("dark")
    page.get_by_label("Height in pixels").fill("400")
    page.get_by_label("Accent").fill("#ff0000")
    attributes = ' view="list" theme="dark" height="400" style="--dateline-accent: #ff0000">'
    assert code.input_value() == plain.replace('type=visit">', f'type=visit"{attributes}', 1)
    frame.locator("[data-theme=dark] #events").wait_for()
    assert frame.locator("#overview").count() == 0
    page.wait_for_function(
        "getComputedStyle(document.querySelector('[data-builder] iframe').contentDocument"
        ".documentElement).getPropertyValue('--dateline-accent') === '#ff0000'"
    )
    box = page.locator("[data-builder] iframe").bounding_box()
    assert box
    assert box["height"] == pytest.approx(402, abs=2)


def test_what_is_chosen_for_an_embed_stays_while_one_filters(visit: Visit) -> None:
    """The new code says it, too."""
    page = visit.page
    page.goto("/?view=list")
    page.get_by_label("Theme").select_option("dark")
    page.get_by_label("Height in pixels").fill("400")
    page.locator("#filters").get_by_text("Visit", exact=True).click()
    page.wait_for_url("**type=visit**")
    page.locator("[data-builder] iframe[src*='type=visit']").wait_for(state="attached")
    assert page.get_by_label("Theme").input_value() == "dark"
    assert ' theme="dark" height="400"' in page.locator("#code").input_value()


def test_an_event_and_a_citation_are_copied(server: Server, browser: "Browser") -> None:
    """Without the filter under which they were read."""
    allowed = ["clipboard-read", "clipboard-write"]
    with visiting(browser, base_url=server.url, permissions=allowed) as visit:
        page = visit.page
        page.goto(f"/?type=contract&event={GAS}")
        for button, copied in (
            ("Copy link to this event", f"{server.url}/?event={GAS}"),
            ("Copy citation", "Balkan Insight, 15 November 2023."),
        ):
            page.get_by_role("button", name=button).first.click()
            page.get_by_role("button", name="Copied").wait_for()
            assert page.evaluate("navigator.clipboard.readText()") == copied
            page.get_by_role("button", name=button).first.wait_for()


@pytest.mark.parametrize("width", [1000, 1440, 1920])
def test_an_open_event_covers_neither_title_nor_time(
    server: Server, browser: "Browser", width: int
) -> None:
    """It stands over the filters, and its mark is in sight; Previous and Next are always there."""
    with visiting(browser, base_url=server.url, viewport={"width": width, "height": 700}) as visit:
        page = visit.page
        page.goto(f"/?event={GAS}")
        drawer = page.locator("#opened article").bounding_box()
        axis = page.locator(".plots .axis").bounding_box()
        title = page.locator("h1").bounding_box()
        mark = page.locator("[data-mark][aria-current]:visible").bounding_box()
        after = page.locator(".neighbours").bounding_box()
        assert drawer
        assert axis
        assert title
        assert mark
        assert after
        assert drawer["x"] + drawer["width"] < axis["x"] + 40
        assert title["y"] + title["height"] < drawer["y"] or page.evaluate("scrollY") > 0
        assert 0 < mark["y"] < 700
        assert after["y"] + after["height"] <= 700
        page.locator(".neighbours").get_by_role("link").last.click()
        page.wait_for_url(lambda url: GAS not in url)


def test_json_is_a_click_away(visit: Visit) -> None:
    """What a developer looks for beside an event."""
    page = visit.page
    page.goto(f"/?event={GAS}")
    page.get_by_role("link", name="This event as JSON").click()
    assert json.loads(page.locator("body").inner_text())["id"] == GAS
