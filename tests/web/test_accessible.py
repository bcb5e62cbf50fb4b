"""The pages are for everybody: axe finds nothing against WCAG 2.2 AA."""

from typing import TYPE_CHECKING, Literal

import pytest

from browser import visiting
from node import packages
from servers import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

AXE = "axe-core@4.14.1"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TARGETS = (
    "/",
    "/?type=contract&date=2023&match=certain&actor=!armenia&known_by=2024",
    "/?q=nothing+of+the+kind",
    "/?event=serbia-azerbaijan-gas-contract",
    "/?present=serbia-azerbaijan-gas-contract",
    "/?view=list&rows=compact&actor=serbia&actor=azerbaijan",
    "/?view=map",
    "/embed",
    "/embed?view=present",
    "/embed?type=visit&theme=dark",
    "/?tpye=contract",
    "/?lang=de&event=serbia-azerbaijan-gas-contract",
    "/?lang=ar",
    "/?lang=ar&view=list&date=2023",
    "/?lang=ar&present=serbia-azerbaijan-gas-contract",
    "/embed?lang=ar",
)


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe."""
    return (packages(AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("target", TARGETS)
def test_axe_finds_nothing(
    server: Server,
    browser: "Browser",
    axe: str,
    target: str,
    width: int,
    colours: Literal["light", "dark"],
) -> None:
    """In either scheme, on a phone and on a desk; on a phone with the filters open, too."""
    size = {"width": width, "height": 900}
    with visiting(browser, base_url=server.url, viewport=size, color_scheme=colours) as visit:
        page = visit.page
        page.goto(target)
        page.evaluate(axe)  # from outside: the page itself would let no such script in
        for sheet in (False, True):
            if sheet:
                button = page.get_by_role("button", name="Filters")
                if not button.is_visible():
                    break
                button.click()
            options = {"runOnly": RULES}
            found = page.evaluate("options => axe.run(document, options)", options)
            assert [
                (v["id"], [node["target"] for node in v["nodes"]][:3]) for v in found["violations"]
            ] == []
            assert len(found["passes"]) > 10
