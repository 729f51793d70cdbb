"""``otactl forecast`` and ``otactl profile`` as a user runs them; the page in a real browser."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from tests.e2e.program import environment, otactl, run_cold
from tests.support.terminal import Terminal

EXAMPLES = Path(__file__).parents[2] / "examples"
STAGED = EXAMPLES / "lint" / "good" / "slow-start-by-success.ini"
UNSTAGED = EXAMPLES / "lint" / "bad" / "OTA201.ini"
FLEET = ("--things", "2000", "--image-bytes", "1000000")
BENCH = EXAMPLES / "profiles" / "bench.toml"
#: Waits until the page is no wider than a phone; its own rules forbid it to evaluate texts.
NARROW = """() => new Promise((done) => {
  const look = () => document.documentElement.scrollWidth <= 381
    ? done() : requestAnimationFrame(look);
  look();
})"""
#: Waits until every note in a plot lies within it; answers with those that do not in the end.
CUT_NOTES = """() => new Promise((done) => {
  const end = performance.now() + 10000;
  const cut = () => [...document.querySelectorAll(".annotation")].filter((note) => {
    const box = note.getBoundingClientRect(), plot = note.closest(".plot").getBoundingClientRect();
    return box.left < plot.left || box.right > plot.right;
  }).map((note) => note.textContent);
  const look = () => cut().length && performance.now() < end
    ? requestAnimationFrame(look) : done(cut());
  look();
})"""
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def test_json_is_one_object_on_standard_output_and_the_same_for_the_same_seed() -> None:
    asked = ("forecast", str(STAGED), *FLEET, "--failure-rate", "0.2", "--output", "json")
    one, other = otactl(*asked), otactl(*asked)
    assert one.returncode == 0, one.stderr
    assert one.stdout == other.stdout
    fields = json.loads(one.stdout)
    assert fields["abort"]["probability"] == 1
    assert fields["costUsd"]["total"]["median"] > 0
    assert fields["curves"]["minutes"][0] == 0


def test_maintenance_windows_spread_a_rollout_over_nights(tmp_path: Path) -> None:
    text = (EXAMPLES / "lint" / "good" / "constant-rate.ini").read_text()
    text = text.replace("= SNAPSHOT", "= CONTINUOUS\nuseSchedulingConfig = True")
    windows = "[SCHEDULING_CONFIG]\nmaintenanceWindowList = Night\n[MAINTENANCE_WINDOW_Night]\n"
    file = tmp_path / "dev.ini"
    file.write_text(f"{text}\n{windows}startTime = cron(0 2 ? * * *)\ndurationInMinutes = 10\n")

    ran = otactl("forecast", str(file), *FLEET, "--output", "json")

    fields = json.loads(ran.stdout)
    # 50 a minute, 500 a night: half of 2,000 in the second night, nine tenths in the fourth.
    assert fields["finishedSeconds"]["50"]["p5"] > 86_400
    assert fields["finishedSeconds"]["90"]["p5"] > 3 * 86_400
    assert "maintenance windows" in " ".join(fields["notes"])


def test_of_waves_people_versions_the_end_and_the_way_back_are_told(tmp_path: Path) -> None:
    text = (EXAMPLES / "waves.ini").read_text()
    text = text.replace("cleanUpCfg = True", "cleanUpCfg = False\nuseVerifyConfig = True")
    text = text.replace("waveList = canary:100", WAVE_KEYS)
    end = datetime.now(UTC) + timedelta(days=3)
    file = tmp_path / "dev.ini"
    file.write_text(
        f"{text}\n[VERIFY_CONFIG]\nversionPath = version\nexpectedVersion = 2\nverifyMinutes = 90\n"
        "[ROLLBACK_CONFIG]\nimageList = 1: firmware.bin\n"
    )
    later = tmp_path / "ends.ini"
    scheduled = file.read_text().replace("= SNAPSHOT", "= SNAPSHOT\nuseSchedulingConfig = True")
    later.write_text(f"{scheduled}[SCHEDULING_CONFIG]\nendTime = {end:%Y-%m-%dT%H:%M}\n")
    page = tmp_path / "page.html"

    good = otactl("forecast", str(file), *FLEET, "--html", str(page))
    bad = otactl("forecast", str(file), *FLEET, "--failure-rate", "0.2", "--output", "json")
    ends = otactl("forecast", str(later), *FLEET, "--approval-minutes", "1440", "--output", "json")

    assert good.returncode == 0, good.stderr
    for shown in (good.stdout, page.read_text("utf-8")):
        assert "plus the time until somebody approves canary, early" in shown
        assert "no old_rate and no dark_rate" in shown
    fields = json.loads(bad.stdout)
    assert fields["stopProbability"] == 1
    assert 50 < fields["rollback"]["things"]["median"] <= 100
    assert fields["rollback"]["seconds"]["median"] > 60
    # Two days until two waves are approved, and the third has half a day left.
    waves = {wave["wave"]: wave for wave in json.loads(ends.stdout)["waves"]}
    assert waves["early"]["gateSeconds"]["p5"] > 2 * (86_400 + 5_400)
    assert waves["rest"]["needsApproval"]


WAVE_KEYS = """onGateFailure = rollback
approval = True
requiredVerifiedPercentage = 80
waveList = canary:100"""


def test_two_files_are_compared_side_by_side() -> None:
    ran = otactl("forecast", str(STAGED), "--compare", str(UNSTAGED), *FLEET, "--output", "json")
    fields = json.loads(ran.stdout)
    assert fields["name"] == STAGED.name
    assert [other["name"] for other in fields["compared"]] == [UNSTAGED.name]
    quick, slow = fields["compared"][0], fields
    assert quick["finishedSeconds"]["50"]["median"] < slow["finishedSeconds"]["50"]["median"]


@pytest.mark.parametrize("profile", sorted((EXAMPLES / "profiles").glob("*.toml")), ids=str)
def test_every_example_profile_is_good(profile: Path) -> None:
    ran = otactl("forecast", str(STAGED), *FLEET, "--profile", str(profile))
    assert ran.returncode == 0, ran.stderr
    assert "things" in ran.stdout


def test_a_suggestion_is_a_piece_of_a_dev_ini() -> None:
    goal = ("--suggest", "--within", "3h", "--max-bricked", "60", "--failure-rate", "0.2")
    ran = otactl("forecast", str(STAGED), *FLEET, "--profile", str(BENCH), *goal)
    assert ran.returncode == 0, ran.stderr
    assert "[JOB_EXECUTE_ROLLOUT_CONFIG]" in ran.stdout
    hopeless = otactl(
        "forecast", str(STAGED), *FLEET, "--profile", str(BENCH), *goal[:2], "1m", *goal[3:]
    )
    assert hopeless.returncode == 1
    assert "Why: time binds" in hopeless.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--things", "5", "--suggest"), "--within"),
        (("--suggest", "--within", "soon", "--max-bricked", "1", "--failure-rate", "0.1"), "soon"),
        ((), "--things"),
        (("--things", "5"), "--image-bytes"),
        ((*FLEET, "--profile", "none.toml"), "none.toml"),
        ((*FLEET, "--prices", "none.toml"), "none.toml"),
        ((*FLEET, "--html", "/nowhere/at/all.html"), "/nowhere/at/all.html"),
    ],
)
def test_a_mistake_is_a_sentence_and_a_2(arguments: tuple[str, ...], words: str) -> None:
    ran = otactl("forecast", str(STAGED), *arguments)
    assert ran.returncode == 2
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_numpy_a_forecast_says_so_and_the_linter_works_all_the_same(
    tmp_path: Path,
) -> None:
    # An environment of the core alone: Python finds no NumPy in it.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Core:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'numpy':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Core())\n",
        "utf-8",
    )
    core = environment(None) | {"PYTHONPATH": str(tmp_path)}
    asked = run_cold("forecast", str(STAGED), *FLEET, env=core)
    assert asked.returncode == 2
    assert "otactl[forecast]" in asked.stderr
    linted = run_cold("lint", str(STAGED), *FLEET, env=core)
    assert linted.returncode == 0, linted.stderr


@pytest.mark.parametrize(("variables", "moves"), [({}, True), ({"CI": "true"}, False)])
def test_nothing_moves_on_a_terminal_that_is_a_ci_server_s_log(
    variables: dict[str, str], *, moves: bool
) -> None:
    with Terminal("forecast", str(STAGED), *FLEET, env=environment(None) | variables) as terminal:
        assert terminal.end() == 0

    assert ("\x1b[?25l" in terminal.raw) is moves  # the cursor is hidden while a bar is drawn


def test_a_profile_is_fitted_to_a_report(tmp_path: Path) -> None:
    executions = [
        {
            "thing": f"thing-{number}",
            "status": "FAILED" if number % 10 == 0 else "SUCCEEDED",
            "executionNumber": 1,
            "queuedAt": 0,
            "startedAt": 2000,
            "lastUpdatedAt": 32_000,
            "statusDetails": {"downloadTime": "10"},
        }
        for number in range(200)
    ]
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"imageBytes": 1_000_000, "executions": executions}), "utf-8")
    fitted = tmp_path / "fitted.toml"

    ran = otactl("profile", "from-report", str(report), "--out", str(fitted), "--output", "json")
    assert ran.returncode == 0, ran.stderr
    estimates = json.loads(ran.stdout)["estimates"]
    assert estimates["failure_rate"]["value"] == 0.1
    forecast = otactl(
        "forecast", str(STAGED), "--things", "500", "--profile", str(fitted), "--output", "json"
    )
    assert json.loads(forecast.stdout)["imageBytes"] == 1_000_000
    broken = otactl("profile", "from-report", str(fitted))
    assert broken.returncode == 2


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
def test_the_page_draws_in_a_real_browser_and_asks_for_nothing(tmp_path: Path) -> None:
    page_file = tmp_path / "page.html"
    asked = ("--failure-rate", "0.2", "--compare", str(UNSTAGED), "--html", str(page_file))
    assert otactl("forecast", str(STAGED), *FLEET, *asked).returncode == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        )
        for scheme in ("light", "dark"):
            seen: list[str] = []
            page = browser.new_page(color_scheme=scheme)
            page.on("request", lambda request, seen=seen: seen.append(request.url))
            page.on("console", lambda message, seen=seen: seen.append(message.text))
            page.on("pageerror", lambda error, seen=seen: seen.append(str(error)))
            page.goto(page_file.as_uri())
            for plot in ("things", "bricked", "bandwidth"):
                page.wait_for_selector(f"#{plot} .main-svg path.js-line")
            assert "bricked by then" in page.inner_text("#things")
            assert "would have been bricked with no abort" in page.inner_text("#bricked")
            # On a phone nothing is wider than the screen but the table, which scrolls by itself.
            page.set_viewport_size({"width": 380, "height": 800})
            page.evaluate(NARROW)
            assert page.evaluate(CUT_NOTES) == []
            assert seen == [page_file.as_uri()]
        browser.close()
