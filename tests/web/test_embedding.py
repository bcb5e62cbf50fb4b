"""The timeline on pages of another origin: in a plain frame, and as the component."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Literal

import pytest

from browser import Visit, visiting
from documented import text_of
from servers import Server, serving
from stores import SqliteStores

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = pytest.mark.slow

Host = Callable[[str], str]
STYLES = re.findall(
    r"<style>(date-line .*)</style>", text_of("docs/embed.md") + text_of("docs/recipes.md")
)
# WCAG 2.2: the contrast of a text with the paper of its page.
CONTRAST = """text => {
  const luminance = (element, name) => {
    const brush = document.createElement("canvas").getContext("2d");
    brush.fillStyle = getComputedStyle(element)[name];
    brush.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...brush.getImageData(0, 0, 1, 1).data].map(
      part => part > 10 ? ((part / 255 + 0.055) / 1.055) ** 2.4 : part / 3294.6);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const both = [luminance(text, "color"), luminance(document.body, "backgroundColor")];
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""
HEIGHT = "frame => frame.getBoundingClientRect().height"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def hosting(folder: Path) -> Iterator[str]:
    """Another site, on a port of its own."""
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        thread = Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_address[1]}"
        site.shutdown()
        thread.join()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Puts a page on another site, and gives its address."""
    with hosting(tmp_path) as site:

        def put(body: str) -> str:
            html = f"<!doctype html><html lang=en><title>Host</title><body>{body}"
            (tmp_path / "host.html").write_text(html, encoding="utf-8")
            (tmp_path / "favicon.ico").touch()
            return f"{site}/host.html"

        yield put


@pytest.fixture
def guest(browser: "Browser") -> Iterator[Visit]:
    """A page of a new profile."""
    with visiting(browser, viewport={"width": 900, "height": 700}) as made:
        yield made


def component(server: Server) -> str:
    """The code that a page pastes."""
    return (
        f'<script type="module" src="{server.url}/embed.js"></script>'
        f'<date-line src="{server.url}/?type=contract" height="3000">'
        f'<a href="{server.url}/">Contracts</a></date-line>'
    )


def shown(page: "Page") -> "FrameLocator":
    """What stands in the frame, once it is there."""
    frame = page.frame_locator("iframe")
    frame.locator("#found").wait_for()
    return frame


def grown(page: "Page") -> float:
    """The height of the frame, once it is that of its page, which changes while it is laid out."""
    inside, frame = shown(page).locator("body"), page.locator("iframe")
    for _ in range(200):
        height, wanted = frame.evaluate(HEIGHT), inside.evaluate("body => body.scrollHeight")
        if abs(height - wanted) < 6:  # a frame has a border of its own, unless it is taken away
            return float(height)
        page.wait_for_timeout(100)
    raise AssertionError(f"the frame is {height} px high, its page {wanted}")


def test_a_plain_frame_shows_the_filtered_timeline(
    server: Server, host: Host, guest: Visit
) -> None:
    """Without any script of the page around."""
    guest.page.goto(host(f'<iframe src="{server.url}/embed?type=contract" width=600></iframe>'))
    assert "2 of 33 events" in shown(guest.page).locator("#found").inner_text()
    assert shown(guest.page).locator(".event").count() == 2


@pytest.mark.parametrize("first", ["the frame", "the script"])
def test_a_plain_frame_grows_with_the_script(
    server: Server, host: Host, guest: Visit, first: str
) -> None:
    """Whichever of the two was there first."""
    frame = f'<iframe src="{server.url}/embed?type=contract" data-height=3000></iframe>'
    script = f'<script type="module" src="{server.url}/embed.js"></script>'
    if first == "the script":
        guest.page.goto(host(script + frame))
    else:
        guest.page.goto(host(frame))
        shown(guest.page)
        guest.page.add_script_tag(url=f"{server.url}/embed.js", type="module")
    assert grown(guest.page) > 300


def test_the_component_is_as_high_as_its_timeline(server: Server, host: Host, guest: Visit) -> None:
    """Also when it gets narrower."""
    guest.page.goto(host(component(server)))
    wide = grown(guest.page)
    guest.page.set_viewport_size({"width": 375, "height": 700})
    guest.page.wait_for_function(
        "([frame, wide]) => frame.getBoundingClientRect().height > wide + 50",
        arg=[guest.page.locator("iframe").element_handle(), wide],
    )
    assert grown(guest.page) > wide
    assert guest.page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_component_takes_the_colours_of_its_page(
    server: Server, host: Host, guest: Visit
) -> None:
    """By variables, which are no rules."""
    style = "<style>date-line { --dateline-accent: rgb(162, 52, 15) }</style>"
    guest.page.goto(host(style + component(server)))
    kind = shown(guest.page).locator(".facts .type").first
    kind.evaluate(
        "async link => { while (getComputedStyle(link).color !== 'rgb(162, 52, 15)')"
        " await new Promise(requestAnimationFrame) }"
    )


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("style", [*STYLES, "date-line { --dateline-paper: #222 }"])
def test_it_can_be_read_in_the_colours_of_its_page(
    server: Server, host: Host, browser: "Browser", style: str, colours: Literal["light", "dark"]
) -> None:
    """As the documents show them, and whatever the reader's system is."""
    with visiting(browser, color_scheme=colours) as visit:
        visit.page.goto(host(f"<style>{style}</style>{component(server)}"))
        frame = shown(visit.page)
        frame.locator("html[style]").wait_for(state="attached")
        for part in (".found", ".event .when", ".summary", ".facts .type", ".whole"):
            assert frame.locator(part).first.evaluate(CONTRAST) >= 4.5


@pytest.mark.parametrize(
    ("paper", "theme", "settled"), [("#fff", "dark", "dark"), ("transparent", "", None)]
)
def test_a_paper_settles_no_more_than_it_can(
    server: Server, host: Host, guest: Visit, paper: str, theme: str, settled: str | None
) -> None:
    """Neither a theme that is asked for, nor anything where one sees through it."""
    code = component(server).replace("<date-line", f'<date-line theme="{theme}"')
    guest.page.goto(host(f"<style>date-line {{ --dateline-paper: {paper} }}</style>{code}"))
    html = shown(guest.page).locator("html[style]")
    html.wait_for(state="attached")
    assert (html.get_attribute("data-theme") or None) == settled


def test_the_component_speaks_the_language_of_its_page(
    server: Server, host: Host, guest: Visit
) -> None:
    """If it says so; its frame is named after the chronology."""
    code = component(server).replace("<date-line", '<date-line lang="de"')
    guest.page.goto(host(code))
    shown(guest.page).get_by_role("link", name="Zeitleiste öffnen").wait_for()
    guest.page.wait_for_function(
        "document.querySelector('date-line').shadowRoot.querySelector('iframe').title"
        " === 'Azerbaijan and Serbia'"
    )


def test_a_frame_out_of_sight_is_as_high_as_its_timeline(
    server: Server, host: Host, guest: Visit
) -> None:
    """Nothing moves when the reader gets there."""
    above = '<div style="height: 1200px"></div>'
    guest.page.goto(host(above + component(server)))
    before = grown(guest.page)
    guest.page.locator("date-line").scroll_into_view_if_needed()
    guest.page.wait_for_timeout(500)
    assert grown(guest.page) == before


@pytest.mark.parametrize(("given", "height"), [("", 640), ('height="400"', 400)])
def test_a_frame_has_a_bounded_height(
    server: Server, host: Host, guest: Visit, given: str, height: int
) -> None:
    """640 pixels, or what the page around says; the rest is scrolled to."""
    code = component(server).replace("?type=contract", "")
    guest.page.goto(host(code.replace('height="3000"', given)))
    shown(guest.page)
    guest.page.wait_for_function(
        "([frame, height]) => frame.getBoundingClientRect().height === height",
        arg=[guest.page.locator("date-line iframe").element_handle(), height],
    )
    guest.page.frame_locator("iframe").locator(".event").last.scroll_into_view_if_needed()
    with guest.page.expect_popup() as popup:
        shown(guest.page).get_by_role("link", name="All 33 events").click()
    popup.value.locator(".event").first.wait_for()


@pytest.mark.parametrize("size", [(300, 200), (400, 300)])
def test_a_tile_is_a_picture_without_titles(
    server: Server, host: Host, guest: Visit, size: tuple[int, int]
) -> None:
    """Whole, in whatever room there is, with nothing to scroll; it leads to the timeline."""
    width, height = size
    guest.page.goto(
        host(f'<iframe src="{server.url}/embed" width={width} height={height}></iframe>')
    )
    frame = guest.page.frame_locator("iframe")
    frame.locator(".tile .picture").wait_for()
    assert frame.locator(".overview").is_hidden()
    box = frame.locator(".tile .picture").evaluate("e => e.getBoundingClientRect().toJSON()")
    assert height / 2 < box["bottom"] <= height
    assert frame.locator("html").evaluate("html => html.scrollHeight") <= height
    with guest.page.expect_popup() as popup:
        frame.locator(".tile").click()
    assert popup.value.url == f"{server.url}/"


def test_the_page_around_hears_what_is_chosen(server: Server, host: Host, guest: Visit) -> None:
    """Which event, and which stretch of time."""
    script = """<script>window.heard = [];
    for (const name of ["dateline:select", "dateline:zoom"])
      addEventListener(name, (e) => heard.push([e.type, Object.values(e.detail)[0]]))</script>"""
    guest.page.goto(host(script + component(server)))
    with guest.page.expect_popup():
        shown(guest.page).locator(".event .open").first.click()
    shown(guest.page).locator("#strip .axis a:visible").last.click()
    guest.page.wait_for_function("heard.length > 1")
    selected, (kind, date) = guest.page.evaluate("heard")
    assert selected == ["dateline:select", "serbia-azerbaijan-gas-contract"]
    assert kind == "dateline:zoom"
    assert f"date={date}" in guest.page.frames[1].url


def test_the_component_takes_a_heading(server: Server, host: Host, guest: Visit) -> None:
    """In place of the chronology's title; an empty one leaves it out."""
    code = component(server)
    guest.page.goto(host(code.replace("<date-line", "<date-line heading='Two <deals>'")))
    heading = shown(guest.page).get_by_role("heading", level=1)
    heading.filter(has_text="Two <deals>").wait_for()
    guest.page.locator("date-line").evaluate("line => line.setAttribute('heading', '')")
    heading.wait_for(state="hidden")


def test_nobody_complains(server: Server, host: Host, guest: Visit) -> None:
    """Of the component, or of frames that are not there yet when the script is."""
    frame = f'<iframe src="{server.url}/embed" loading="lazy" style="margin-top: 9000px"></iframe>'
    guest.page.goto(host(component(server) + frame))
    guest.page.frame_locator("date-line iframe").locator("#found").wait_for()
    assert guest.complaints == []


def test_the_component_follows_its_attributes(server: Server, host: Host, guest: Visit) -> None:
    """Another filter, another theme."""
    guest.page.goto(host(component(server)))
    shown(guest.page)
    guest.page.locator("date-line").evaluate(
        "(line, src) => { line.setAttribute('theme', 'dark'); line.setAttribute('src', src) }",
        f"{server.url}/?type=visit",
    )
    frame = guest.page.frame_locator("iframe")
    frame.locator("#found", has_text="3 of 33 events").wait_for()
    assert frame.locator("html").get_attribute("data-theme") == "dark"


def test_the_component_shows_no_other_site(server: Server, host: Host, guest: Visit) -> None:
    """Only the one that its script came from; else what the page has put into it."""
    code = component(server).replace(f'src="{server.url}/?', 'src="https://elsewhere.example/?')
    guest.page.goto(host(code))
    guest.page.get_by_role("link", name="Contracts").wait_for()
    assert guest.page.locator("iframe").count() == 0
    assert "src must be an address" in guest.complaints[0]


def test_no_other_frame_can_speak_for_it(server: Server, host: Host, guest: Visit) -> None:
    """A message counts where it comes from the server's own frame."""
    other = "<script>parent.postMessage({ dateline: 'height', height: 9999 }, '*')</script>"
    code = component(server) + f'<iframe id="other" srcdoc="{other}" height=80></iframe>'
    guest.page.goto(host(code))
    guest.page.frame_locator("date-line iframe").locator("#found").wait_for()
    guest.page.evaluate("new Promise(done => setTimeout(done, 300))")
    assert guest.page.locator("#other").evaluate(HEIGHT) < 120
    assert guest.page.locator("date-line iframe").evaluate(HEIGHT) < 5000


def test_a_theme_is_variables_and_nothing_else(server: Server, host: Host, guest: Visit) -> None:
    """Whatever else the page around sends does nothing."""
    guest.page.goto(host(component(server)))
    frame = shown(guest.page)
    guest.page.locator("date-line iframe").evaluate(
        """frame => frame.contentWindow.postMessage({ dateline: "theme", variables: {
          "background": "red", "--other": "1", "--dateline-ink": "rgb(1, 2, 3)" } }, "*")"""
    )
    html = frame.locator("html")
    html.evaluate(
        "async html => { while (!html.style.getPropertyValue('--dateline-ink'))"
        " await new Promise(requestAnimationFrame) }"
    )
    assert html.evaluate("html => html.style.length") == 1


def test_a_bad_filter_says_what_to_do_in_the_frame(
    server: Server, host: Host, guest: Visit
) -> None:
    """Not an empty box."""
    guest.page.goto(host(f'<iframe src="{server.url}/embed?tpye=contract" height=480></iframe>'))
    frame = guest.page.frame_locator("iframe")
    frame.get_by_role("link", name="type").click()
    frame.locator("#found", has_text="2 of 33 events").wait_for()


@pytest.mark.parametrize(
    ("path", "allowed"), [("embed", "'none'"), ("embed", "https://a.example"), ("", "*")]
)
def test_who_may_not_frame_it_does_not(
    server: Server, tmp_path: Path, host: Host, guest: Visit, path: str, allowed: str
) -> None:
    """By the setting; and the page itself is framed by nobody else."""
    store = SqliteStores(tmp_path).new(server.database_url)
    with serving(store, frame_ancestors=allowed) as strict:
        guest.page.goto(host(f'<iframe src="{strict.url}/{path}"></iframe>'))
        assert any("frame-ancestors" in said for said in guest.complaints)
        assert guest.page.frame_locator("iframe").locator("#found").count() == 0


def test_an_event_opens_beside_the_frame(server: Server, host: Host, guest: Visit) -> None:
    """On the whole page, in a tab of its own."""
    guest.page.goto(host(component(server)))
    with guest.page.expect_popup() as popup:
        shown(guest.page).locator("h3 a").first.click()
    popup.value.locator("#opened-title").wait_for()
    assert "event=serbia-azerbaijan-gas-contract" in popup.value.url
