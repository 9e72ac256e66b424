"""The site in a real browser, from ``file://``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from measured import Stored

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
        .filter(row => row.offsetParent).map(row => row.cells[0].textContent)"""
    return list(page.execute_script(script))


def choose(page: Any, select: str, value: str) -> None:
    script = (
        "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))"
    )
    page.execute_script(script, select, value)


def click(page: Any, selector: str) -> None:
    from selenium.webdriver.common.by import By

    element = page.find_element(By.CSS_SELECTOR, selector)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def test_the_chart_draws_every_answer(page: Any) -> None:
    # Nine answers and two results without one.
    assert points(page) == 9
    assert len(methods(page)) == 11
    titles = page.execute_script("return [...document.querySelectorAll('.xtitle, .ytitle')].map(t => t.textContent)")
    assert titles == ["bytes/vector", "recall@10"]


def test_any_two_figures_can_be_drawn(page: Any) -> None:
    names = page.execute_script("return [...document.querySelectorAll('#x option')].map(o => o.value)")
    assert {"recall@100", "ndcg@10", "retention", "queries_per_second", "build_seconds"} - set(names) == {"recall@100"}
    choose(page, "x", "queries_per_second")
    choose(page, "y", "build_seconds")
    assert points(page) == 9
    choose(page, "y", "latency_p50")
    assert points(page) == 2
    note = page.execute_script("return document.getElementById('chart-note').textContent")
    assert note == "9 of 11 results have no value for one of the two figures."


def test_zeros_are_drawn_even_where_a_logarithm_is_asked_for(page: Any) -> None:
    choose(page, "x", "shared_bytes")
    page.execute_script("document.getElementById('x-log').checked || document.getElementById('x-log').click()")
    assert points(page) == 9
    assert "linear" in page.execute_script("return document.getElementById('chart-note').textContent")


def test_families_filter_chart_and_table(page: Any) -> None:
    click(page, "#groups input[value=binary]")
    assert points(page) == 7
    assert "binary64" not in methods(page)
    click(page, "#none")
    assert points(page) == 0
    assert methods(page) == []
    click(page, "#groups input[value=pq]")
    assert points(page) == 2
    assert methods(page) == ["pq8", "pq8"]
    click(page, "#all")
    assert points(page) == 9


def test_conditions_filter(page: Any) -> None:
    script = """const s = document.querySelector("#conditions select[data-name=mode]");
        s.value = "single"; s.dispatchEvent(new Event("change"))"""
    page.execute_script(script)
    assert points(page) == 2
    assert sorted(methods(page)) == ["binary64", "pq8"]


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
    assert methods(page)[:2] == ["binary64", "binary64"]


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
    for part in ("on small", "recall@10", "nDCG@10", "retention", "queries/s", "1 thread", "Q 20"):
        assert part in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "sets/small.html", "methods/binary.html"])
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
    if name != "index.html":
        chart = page.execute_script(
            "return getComputedStyle(document.querySelector('#chart .main-svg')).backgroundColor"
        )
        assert chart == page.execute_script("return getComputedStyle(document.body).backgroundColor")
