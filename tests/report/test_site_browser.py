"""The site in a real browser, from ``file://``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from measured import Stored

from binbench.records.rows import rows as read_rows
from binbench.report.site import site

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium with an empty profile that logs its console and its requests, or a skip."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium with its chromedriver is installed")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


@pytest.fixture(scope="module")
def folder(_stored_once: Stored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site."""
    made = tmp_path_factory.mktemp("site")
    site(made, _stored_once.results_dir, _stored_once.data_dir)
    return made


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    """The browser on the set's page; whatever a test does, the console stays silent and nothing leaves the machine."""
    look_like(browser, 1200, "light")
    # What the browser's own start page asked for is not the site's.
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get((folder / "sets" / "small.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []
    asked = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    assert any(address.startswith("file:") for address in asked)
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []


def look_like(browser: Any, width: int, scheme: str) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )


def points(page: Any) -> int:
    """How many markers the chart shows."""
    return int(page.execute_script("return document.querySelectorAll('#chart .scatterlayer .points path').length"))


def methods(page: Any) -> list[str]:
    """The methods of the table's visible rows."""
    script = """return [...document.querySelectorAll('#results tbody tr')]
        .filter(row => row.offsetParent).map(row => row.querySelector('.show').textContent)"""
    return list(page.execute_script(script))


def choose(page: Any, select: str, value: str) -> None:
    script = (
        "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))"
    )
    page.execute_script(script, select, value)


def condition(page: Any, name: str, value: str) -> None:
    script = """const s = document.querySelector(`#conditions select[data-name=${arguments[0]}]`);
        s.value = arguments[1]; s.dispatchEvent(new Event("change"))"""
    page.execute_script(script, name, value)


def shown_modes(page: Any) -> set[str]:
    """The modes of the table's visible rows."""
    script = """return [...document.querySelectorAll('#results tbody tr')]
        .filter(row => row.offsetParent).map(row => row.querySelector('th small').textContent.trim())"""
    return set(page.execute_script(script))


def type_into(page: Any, selector: str, text: str) -> None:
    script = (
        "const s = document.querySelector(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input'))"
    )
    page.execute_script(script, selector, text)


def show(page: Any, method: str) -> None:
    buttons = page.find_elements("css selector", "#results .show")
    button = next(one for one in buttons if one.text == method and one.is_displayed())
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()


def state(page: Any) -> list[Any]:
    """The chosen axes, the points, the methods and the values of every field."""
    chosen = page.execute_script("return ['x', 'y'].map(id => document.getElementById(id).value)")
    fields = page.execute_script(
        "return [...document.querySelectorAll('#controls input')].map(i => i.checked || i.value)"
    )
    return [*chosen, points(page), methods(page), fields]


def click(page: Any, selector: str) -> None:
    from selenium.webdriver.common.by import By

    element = page.find_element(By.CSS_SELECTOR, selector)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def test_the_chart_draws_every_answer(page: Any) -> None:
    # Seven answers in batch mode and two results without one; those of single mode are never among them.
    assert points(page) == 7
    assert len(methods(page)) == 9
    titles = page.execute_script("return [...document.querySelectorAll('.xtitle, .ytitle')].map(t => t.textContent)")
    assert titles == ["bytes/vector", "recall@10"]


def test_any_two_figures_can_be_drawn(page: Any) -> None:
    names = page.execute_script("return [...document.querySelectorAll('#x option')].map(o => o.value)")
    assert {"recall@100", "ndcg@10", "retention", "queries_per_second", "build_seconds"} - set(names) == {"recall@100"}
    choose(page, "x", "queries_per_second")
    choose(page, "y", "build_seconds")
    assert points(page) == 7
    choose(page, "y", "latency_p50")
    assert points(page) == 0
    note = page.execute_script("return document.getElementById('chart-note').textContent")
    assert note == "9 of 9 results have no value for one of the two figures."
    condition(page, "mode", "single")
    assert points(page) == 2


def test_zeros_are_drawn_even_where_a_logarithm_is_asked_for(page: Any) -> None:
    choose(page, "x", "shared_bytes")
    page.execute_script("document.getElementById('x-log').checked || document.getElementById('x-log').click()")
    assert points(page) == 7
    assert "linear" in page.execute_script("return document.getElementById('chart-note').textContent")


def test_families_filter_chart_and_table(page: Any) -> None:
    click(page, "#groups input[value=binary]")
    assert points(page) == 6
    assert "binary64" not in methods(page)
    click(page, "#none")
    assert points(page) == 0
    assert methods(page) == []
    click(page, "#groups input[value=pq]")
    assert points(page) == 1
    assert methods(page) == ["pq8"]
    click(page, "#all")
    assert points(page) == 7


def test_batch_and_single_are_never_together(page: Any) -> None:
    offered = page.execute_script("return [...document.querySelectorAll('[data-name=mode] option')].map(o => o.value)")
    assert offered == ["batch", "single"]
    assert shown_modes(page) == {"batch"}
    condition(page, "mode", "single")
    assert points(page) == 2
    assert sorted(methods(page)) == ["binary64", "pq8"]
    assert shown_modes(page) == {"single"}


def test_search_and_limits_choose_points_and_rows_alike(page: Any, stored: Stored) -> None:
    type_into(page, "#search", "b64 small")
    assert (points(page), methods(page)) == (0, [])
    type_into(page, "#search", "pq")
    # pq8, and opq8, which gave no answer.
    assert (points(page), methods(page)) == (1, ["pq8", "opq8"])
    type_into(page, "#search", "")
    type_into(page, "[data-figure='bytes_per_vector']", "16")
    assert (points(page), sorted(methods(page))) == (3, ["binary64", "int8", "pq8"])
    type_into(page, "[data-figure='recall@10']", "0.9")
    rows = [row for row in read_rows(stored.results_dir) if row["mode"] == "batch"]
    found = {row["method"] for row in rows if (row["recall@10"] or 0) >= 0.9 and row["bytes_per_vector"] <= 16}
    assert "int8" in found
    assert (points(page), set(methods(page))) == (len(found), found)
    click(page, "#reset")
    assert points(page) == 7
    assert page.execute_script("return location.hash") == ""


def test_the_address_holds_the_state(page: Any, folder: Path) -> None:
    choose(page, "x", "queries_per_second")
    condition(page, "mode", "single")
    click(page, "#groups input[value=int8]")
    type_into(page, "[data-figure='recall@10']", "0.01")
    show(page, "pq8")
    address = page.current_url
    assert address.startswith((folder / "sets" / "small.html").as_uri() + "#")
    before = state(page)
    assert before[:2] == ["queries_per_second", "recall@10"]
    page.get("about:blank")
    page.get(address)
    assert state(page) == before
    assert page.find_element("id", "details-title").text == "pq8 on small"
    assert shown_modes(page) == {"single"}
    # A link that asks for what is not there is a page in its usual state, with what is there.
    page.get("about:blank")
    page.get((folder / "sets" / "small.html").as_uri() + "#x=nonsense&mode=none&method=hnsw16+ef_search%3D64")
    assert state(page)[0] == "bytes_per_vector"
    assert points(page) == 7
    assert page.find_element("id", "details-title").text == "hnsw16 ef_search=64 on small"


def test_points_are_reached_by_keyboard(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    frame = page.find_element("id", "chart-frame")
    told = []
    for key in (Keys.HOME, *[Keys.ARROW_RIGHT] * 7):
        frame.send_keys(key)
        told.append(page.find_element("id", "point").text)
    # From the fewest bytes on: 8 for pq8 and binary64, 16 for int8, 64 for float; the graph takes more.
    assert {text.partition(":")[0] for text in told[:2]} == {"pq8", "binary64"}
    assert [text.partition(":")[0] for text in told[2:4]] == ["int8", "float"]
    assert len(set(told)) == 7
    assert told[6] == told[7]
    assert "recall@10 1," in told[3]
    assert page.execute_script("return document.querySelector('#chart .hoverlayer').textContent").count("hnsw16") == 1
    frame.send_keys(Keys.HOME, Keys.ENTER)
    assert page.switch_to.active_element.text == f"{told[0].partition(':')[0]} on small"
    click(page, "#close")
    assert page.switch_to.active_element.get_attribute("id") == "chart-frame"


def test_a_click_on_a_point_shows_its_figures(page: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    type_into(page, "#search", "int8")
    drag = page.find_element("css selector", "#chart .nsewdrag")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", drag)
    box, point = (
        page.execute_script(
            "const r = arguments[0].getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]", one
        )
        for one in (drag, page.find_element("css selector", "#chart .points path"))
    )
    off = [round(there - here) for here, there in zip(box, point, strict=True)]
    ActionChains(page).move_to_element_with_offset(drag, *off).pause(0.3).click().perform()
    assert page.find_element("id", "details-title").text == "int8 on small"
    assert len(page.find_elements("css selector", "#details-figures dt")) > 20


def test_a_method_without_results_is_a_quiet_page(page: Any, folder: Path) -> None:
    page.get((folder / "methods" / "sign.html").as_uri())
    assert "nothing to draw" in page.find_element("id", "chart-note").text
    assert not page.find_element("id", "chart-frame").is_displayed()
    show(page, "sign")
    assert page.find_element("id", "details-title").text == "sign on small"


def test_the_overview_is_searched(page: Any, folder: Path) -> None:
    page.get((folder / "index.html").as_uri())
    type_into(page, "#find", "residual nothing")
    assert page.find_element("id", "found").text == "0 of 8"
    type_into(page, "#find", "hamming")
    visible = [
        row.text.split()[0] for row in page.find_elements("css selector", ".findable tbody tr") if row.is_displayed()
    ]
    assert visible == ["binary", "sign"]


@pytest.mark.parametrize("name", ["index.html", "sets/small.html", "leaderboard.html", "measured.html"])
def test_tables_fit_between_the_edges(page: Any, folder: Path, name: str) -> None:
    page.get((folder / name).as_uri())
    frames = page.execute_script(
        "return [...document.querySelectorAll('.scroll')].map(s => [s.scrollWidth, s.clientWidth])"
    )
    assert frames
    assert all(inside <= outside for inside, outside in frames)


def test_the_table_sorts_by_keyboard(page: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    headers = page.find_elements(By.CSS_SELECTOR, "#results thead th")
    column = next(i for i, header in enumerate(headers) if header.text.startswith("recall@10"))
    header = headers[column]
    script = f"return [...document.querySelectorAll('#results tbody tr')].map(r => r.cells[{column}].dataset.value)"
    for direction, turn in (("descending", True), ("ascending", False)):
        header.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        assert header.get_attribute("aria-sort") == direction
        values = page.execute_script(script)
        # Those without a value stay last, whichever way.
        assert values[-2:] == ["", ""]
        numbers = [float(value) for value in values[:-2]]
        assert numbers == sorted(numbers, reverse=turn)
        assert len(set(numbers)) > 3
    headers[0].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "none"
    assert methods(page)[:2] == ["binary64", "float"]


def test_details_show_every_figure_and_the_command(page: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    button = next(b for b in page.find_elements(By.CSS_SELECTOR, "#results .show") if b.text == "hnsw16 ef_search=64")
    button.send_keys(Keys.ENTER)
    assert page.switch_to.active_element.text == "hnsw16 ef_search=64 on small"
    figures = page.find_element(By.ID, "details-figures").text
    for label in ("recall@10", "nDCG@10", "retention", "queries/s", "bytes/vector", "build time"):
        assert label in figures
    command = page.find_element(By.ID, "details-command").text
    assert command.startswith("python -m binbench run --algorithm hnsw16 --dataset")


def test_hover_names_the_point_and_its_figures(page: Any) -> None:
    page.execute_script("Plotly.Fx.hover('chart', [{curveNumber: 1, pointNumber: 0}])")
    text = page.execute_script("return document.querySelector('#chart .hoverlayer').textContent")
    for part in ("on small", "recall@10", "nDCG@10", "retention", "queries/s", "bytes/vector"):
        assert part in text
    # Five figures; the rest is behind a click.
    assert "build time" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "sets/small.html", "methods/binary.html", "leaderboard.html"])
def test_phones_and_dark_rooms(page: Any, folder: Path, name: str, scheme: str) -> None:
    look_like(page, 400, scheme)
    page.get((folder / name).as_uri())
    # The page itself never scrolls sideways; wide tables do so in their own frame.
    assert page.execute_script("return document.documentElement.scrollWidth") <= 400
    ground, text = page.execute_script(
        """const style = getComputedStyle(document.body);
        return [style.backgroundColor, style.color].map(colour => Number(colour.match(/\\d+/)[0]))"""
    )
    assert (ground > 200 > 100 > text) if scheme == "light" else (ground < 50 < 200 < text)
    if "/" in name:
        chart = page.execute_script(
            "return getComputedStyle(document.querySelector('#chart .main-svg')).backgroundColor"
        )
        assert chart == page.execute_script("return getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("name", ["sets/small.html", "methods/binary.html"])
def test_a_narrow_table_shows_what_fits(page: Any, folder: Path, name: str) -> None:
    headers = """return [...document.querySelectorAll('#results thead th')].filter(cell => cell.offsetParent)
        .map(cell => cell.textContent)"""
    page.get((folder / name).as_uri())
    whole = page.execute_script(headers)
    look_like(page, 400, "light")
    kept = page.execute_script(headers)
    assert kept == [*(["set"] if name.startswith("methods") else []), "method", "bytes/vector", "recall@10"]
    assert set(kept) < set(whole)
    assert page.execute_script("const f = document.querySelector('.scroll'); return f.scrollWidth - f.clientWidth") == 0
    # The others are a press away.
    page.execute_script("document.querySelector('#results .show').click()")
    assert "build time" in page.execute_script("return document.getElementById('details-figures').textContent")
