"""The pages of runs in a headless Chromium: what moves, what is shown, what overlaps."""

import os
import re
import shutil
from pathlib import Path

import pytest
from written_runs import NASTY, write_run

from utils.pages import write_comparison, write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Boxes of elements that stand beside each other and overlap by more than a pixel, as text; and
# text that is wider than the box that shows it.
OVERLAPS = """() => {
  const found = [], name = node => `${node.tagName}.${node.getAttribute('class')} ` +
    `${node.textContent.trim().slice(0, 30)}`;
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const compare = nodes => nodes.forEach((one, i) => nodes.slice(i + 1).forEach(other => {
    if (overlap(one.getBoundingClientRect(), other.getBoundingClientRect()))
      found.push(`${name(one)} | ${name(other)}`);
  }));
  for (const parent of document.querySelectorAll('main, main *')) {
    if (parent.closest('svg')) continue;
    compare([...parent.children].filter(child => child.getClientRects().length === 1));
  }
  document.querySelectorAll('svg').forEach(svg => compare([...svg.querySelectorAll('text')]));
  for (const node of document.querySelectorAll('main *')) {
    const isMeant = node.closest('.wide, pre, svg') ||
      getComputedStyle(node).textOverflow === 'ellipsis';
    if (!isMeant && node.scrollWidth > node.clientWidth + 1 && node.clientWidth)
      found.push(`too wide: ${name(node)}`);
  }
  return found;
}"""
# The lowest ratio of luminances of text and what is behind it, by WCAG 2's formula.
CONTRAST = """() => {
  const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = color => { const [r, g, b] = color.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const behind = node => { const color = getComputedStyle(node).backgroundColor;
    return /, 0\\)$/.test(color) ? behind(node.parentElement) : color; };
  return Math.min(...[...document.querySelectorAll('p, td, th, a, text, h1, button, output')].map(
    node => { const style = getComputedStyle(node);
      const [a, b] = [luminance(node.tagName === 'text' ? style.fill : style.color),
                      luminance(behind(node))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
}"""


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install -r requirements-dev.txt"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        # Chromium's sandbox does not run for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        write_run(folder / "wgan-gp-with-a-rather-long-name-that-has-to-wrap-somewhere", size=16),
        write_run(folder / "wgan", rows=8, method="wgan"),
        write_run(folder / "dcgan", rows=15, method="dcgan", options={"source": "/a/b" * 20}),
        write_run(folder / "long", rows=40, interval=10_000),
    ]


@pytest.fixture(scope="module")
def pages(runs):
    """The paths of a report, a comparison, and the report of a run of many steps."""
    paths = [run.path for run in runs[:3]]
    comparison = write_comparison(paths, paths[0].parent / "comparison.html")
    report = write_report(runs[0])
    return {"report": report, "comparison": comparison, "long": write_report(runs[3])}


@pytest.fixture(scope="module")
def views(browser):
    """Windows by their options, kept open, and what went wrong in any of them."""
    return {}, []


@pytest.fixture
def show(browser, views):
    """Opens a page; when the test is over nothing must have gone wrong in it."""
    opened, wrong = views
    wrong.clear()

    def open_(path: Path, width=1280, **options):
        key = (width, *options.items())
        if key not in opened:
            size = {"width": width, "height": 800}
            opened[key] = view = browser.new_context(viewport=size, **options).new_page()
            view.on("console", lambda message: wrong.append(message.text))
            view.on("pageerror", lambda error: wrong.append(str(error)))
            view.on("request", lambda request: wrong.append(request.url))
        opened[key].goto(path.as_uri())
        opened[key].wait_for_selector("#panels svg path")
        # The file itself, and what lies in it, are all that is asked for.
        wrong[:] = [one for one in wrong if one != path.as_uri() and not one.startswith("data:")]
        return opened[key]

    yield open_
    assert [one for one in wrong if not one.startswith("data:")] == []


def _source(view, selector="img.picture[data-run='0']") -> str:
    return view.get_attribute(selector, "src")


def _values(view, title: str) -> str:
    return view.inner_text(f".panel:has(h3:text-is('{title}')) .values")


def _line(view, title: str) -> str:
    return view.get_attribute(f".panel:has(h3:text-is('{title}')) path.line:last-of-type", "d")


def _chart(view, title: str):
    return view.locator(f".panel:has(h3:text-is('{title}')) svg")


def _hover(view, title: str, row: int, rows: int) -> None:
    """Points at a row of a curve."""
    chart = _chart(view, title)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    left, right = 54, 12  # the plot's margins in charts.js
    x = left + (box["width"] - left - right) * row / (rows - 1)
    view.mouse.move(box["x"] + x, box["y"] + 60)


def test_the_slider_changes_the_picture(pages, show):
    view = show(pages["report"])
    slider, seen = view.locator("#position"), [_source(view)]
    assert seen[0].startswith("data:image/jpeg;base64,")
    assert view.inner_text("#shown") == "step 2,400 (24 of 24)"
    slider.focus()
    for key, shown in [("ArrowLeft", "2,300 (23"), ("Home", "100 (1"), ("ArrowRight", "200 (2")]:
        view.keyboard.press(key)
        assert view.inner_text("#shown") == f"step {shown} of 24)"
        seen.append(_source(view))
    assert len(set(seen)) == 4
    assert "step 200" in _values(view, "Losses")  # the curves follow
    view.wait_for_selector("img.picture.enlarged")
    assert view.evaluate("document.querySelector('img.picture').naturalWidth") == 8 * 18 + 2
    assert _source(view, "#newest") == seen[0]


def test_play_and_pause(pages, show):
    view = show(pages["report"])
    view.click("#play")
    assert view.inner_text("#play") == "Pause"
    view.wait_for_selector("#shown:not(:text('step 2,400'))")
    view.click("#play")
    assert view.inner_text("#play") == "Play"


def test_curves_show_the_values_of_the_log(runs, pages, show):
    view, rows = show(pages["report"]), runs[0].read_log()
    view.check("input[value=raw]")
    _hover(view, "Losses", 7, len(rows))
    assert _values(view, "Losses").split() == [
        "step", "800", "Critic", f"{rows[7]['critic_loss']:.4g}", "Generator",
        f"{rows[7]['generator_loss']:.4g}",
    ]  # fmt: skip
    # All curves are at the same step.
    assert f"{rows[7]['gradient_norm']:.4g}" in _values(view, "Gradient norm")
    assert view.locator("line.cursor").count() == view.locator("#panels svg").count() == 7
    heights = "[...document.querySelectorAll('.panel')].map(panel => panel.offsetHeight)"
    before = view.evaluate(heights)
    view.mouse.move(2, 2)
    assert view.locator("line.cursor").count() == 0
    assert f"{rows[-1]['critic_loss']:.4g}" in _values(view, "Losses")
    assert view.evaluate(heights) == before  # no chart moves from under the pointer


def test_curves_by_keyboard_and_by_touch(runs, pages, show):
    rows = runs[0].read_log()
    view = show(pages["report"])
    view.check("input[value=raw]")
    _chart(view, "Gradient norm").focus()
    for key, step in [("ArrowLeft", 24), ("ArrowLeft", 23), ("Home", 1), ("ArrowRight", 2),
                      ("End", 24), ("ArrowRight", 24)]:  # fmt: skip
        view.keyboard.press(key)
        shown = _values(view, "Gradient norm")
        assert f"step {step * 100:,}\n" in f"{shown}\n".replace(" Gradient", "\nGradient")
        assert f"{rows[step - 1]['gradient_norm']:.4g}" in shown
    view.keyboard.press("Escape")
    assert view.locator("line.cursor").count() == 0
    phone = show(pages["report"], width=390, has_touch=True, is_mobile=True)
    chart = _chart(phone, "Losses")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    phone.touchscreen.tap(box["x"] + 54, box["y"] + 50)
    assert _values(phone, "Losses").startswith("step 100")
    assert phone.locator("line.cursor").count() == 7  # it stays when the finger leaves


def test_every_control_can_be_reached_with_tab(pages, show):
    view, reached = show(pages["report"]), set()
    for _ in range(40):
        view.keyboard.press("Tab")
        reached.add(view.evaluate(
            "(node => node.id || node.name || node.tagName)(document.activeElement)"
        ))  # fmt: skip
    assert {"play", "position", "scale", "lines", "svg", "SUMMARY"} <= reached


def test_a_log_scale_and_back(pages, show):
    view = show(pages["report"])
    linear = _line(view, "Gradient penalty"), _line(view, "Losses")
    view.check("input[value=log]")
    assert _line(view, "Gradient penalty") != linear[0]
    assert _line(view, "Losses") == linear[1]  # the critic's is below zero
    assert "Stays linear" in view.inner_text(".panel:has(h3:text-is('Losses')) .hint")
    view.check("input[value=linear]")
    assert (_line(view, "Gradient penalty"), _line(view, "Losses")) == linear


def test_as_logged_and_smoothed(pages, show):
    view = show(pages["report"])
    smooth = _line(view, "Gradient norm"), _values(view, "Gradient norm")
    assert "mean of 5 rows" in smooth[1] and view.locator("path.pale").count() == 8
    view.check("input[value=raw]")
    raw = _line(view, "Gradient norm"), _values(view, "Gradient norm")
    assert raw[0] != smooth[0] and raw[1] != smooth[1] and "mean" not in raw[1]
    assert view.locator("path.pale").count() == 0


def test_markup_in_a_name_stays_text(pages, show):
    view = show(pages["report"])
    view.click("summary:text('Skipped')")
    assert NASTY in view.inner_text(".files")
    assert view.evaluate("window.harmed") is None


def test_a_comparison(runs, pages, show):
    view = show(pages["comparison"])
    before = [_source(view, f"img[data-run='{run}']") for run in range(3)]
    assert len(set(before)) == 3
    view.locator("#position").focus()
    view.keyboard.press("Home")
    assert [_source(view, f"img[data-run='{run}']") for run in range(3)] != before
    assert view.locator(".at").all_inner_texts() == ["step 100"] * 3
    for _ in range(9):
        view.keyboard.press("ArrowRight")
    assert view.locator(".at").all_inner_texts() == ["step 1,000", "step 800", "step 1,000"]
    view.check("input[value=raw]")
    _hover(view, "Losses: generator", 9, 24)
    text = re.sub(r"\s+", " ", _values(view, "Losses: generator"))
    first, third = (f"{run.read_log()[9]['generator_loss']:.4g}" for run in (runs[0], runs[2]))
    assert text == f"step 1,000 {runs[0].path.name} {first} wgan – dcgan {third}"


@pytest.mark.parametrize("page", ["report", "comparison", "long"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_overlaps_or_is_cut_off(pages, show, page, width):
    view = show(pages[page], width=width)
    for summary in view.locator("summary").all():
        summary.click()
    assert view.evaluate("document.documentElement.scrollWidth") == width
    assert view.evaluate(OVERLAPS) == []
    view.check("input[value=log]")
    assert view.evaluate(OVERLAPS) == []


@pytest.mark.parametrize("page", ["report", "comparison"])
def test_it_is_legible_in_light_and_in_dark(pages, show, page):
    backgrounds = set()
    for scheme in ("light", "dark"):
        view = show(pages[page], color_scheme=scheme)
        backgrounds.add(view.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert view.evaluate(CONTRAST) > 4.5
    assert len(backgrounds) == 2
