"""The page of a report in a real browser: it fits a telephone, says nothing to the console, fetches nothing, prints."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

from likewise.report import report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"no browser is installed: looked for {', '.join(BROWSERS)}")

#: What a script in a copy of the page writes into it: how wide it is, and what stands out of it.
_LOOK = """<script>
window.addEventListener("load", () => {
  const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, pre, svg"))
    .filter(e => e.getBoundingClientRect().right > room + 1).map(e => e.tagName + "#" + e.id);
  const small = [...document.querySelectorAll("svg text")].map(e => e.getBoundingClientRect().height);
  const cut = [...document.querySelectorAll("svg")].filter(s => { const r = s.getBoundingClientRect();
    return [...s.querySelectorAll("text")].some(t => { const q = t.getBoundingClientRect();
      return q.left < r.left - 2 || q.right > r.right + 2; }); }).length;
  const said = document.createElement("p"); said.id = "said";
  said.textContent = JSON.stringify({wide, room, out, least: Math.min(...small), cut,
    fetched: performance.getEntriesByType("resource").length});
  document.body.append(said);
});
</script>"""


@pytest.fixture(scope="module")
def page():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 24))
    rows[:, 3], rows[5, 2], rows[50:80] = 1.0, np.nan, rows[50]
    labels = rng.choice(["a", "a label that is rather long, as labels of people's own making are"], 400)
    names = [f"averyveryverylongnamewithoutasinglespaceinitthatcannotbebroken{i}" for i in range(400)]
    return report(rows, labels, name="rows_of_a_file_with_a_long_name_and_no_space.parquet", names=names).html()


def browse(folder, page, *options, width=390, height=844):
    """Chromium on a page in a file, without a network; what it prints, and what it logs."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
    ]
    command += [f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-sync"]
    command += [f"--window-size={width},{height}", "--virtual-time-budget=2000", *options, file.as_uri()]
    env = os.environ | {"HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_the_page_fits(page, tmp_path, width):
    # a window of Chromium's is 500 pixels wide at least: a narrow one is a frame inside of it
    inner = tmp_path / "inner.html"
    inner.write_text(page.replace("</body>", f"{_LOOK}</body>"), encoding="utf-8")
    framed = (
        f'<!DOCTYPE html><body style="margin:0"><iframe src="inner.html" style="border:0;width:{width}px;height:800px">'
        '</iframe><script>window.addEventListener("load", () => { const held = document.querySelector("iframe")'
        '.contentDocument.getElementById("said"); document.body.append(held.textContent); });</script></body>'
    )
    done = browse(tmp_path, framed, "--allow-file-access-from-files", "--dump-dom", width=1400)
    said = re.search(
        r'\{"wide":(\d+),"room":(\d+),"out":(\[.*?\]),"least":([\d.]+),"cut":(\d+),"fetched":(\d+)\}', done.stdout
    )
    assert said, done.stdout[-500:] + done.stderr[-1000:]
    assert said.group(2) == str(width)
    assert int(said.group(1)) <= width, f"{said.group(3)} stand out of a page of {width} pixels"
    assert said.group(3) == "[]"
    assert float(said.group(4)) >= 9  # pixels that the smallest letters of a picture are high
    assert said.group(5) == "0", "a picture's words are cut at its edge"
    assert said.group(6) == "0"
    assert "CONSOLE" not in done.stderr


def test_nothing_is_said_and_nothing_fetched(page, tmp_path):
    log = tmp_path / "net.json"
    done = browse(tmp_path, page, "--dump-dom", f"--log-net-log={log}")
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<svg") == page.count("<svg")
    # the browser has calls of its own to its maker; none may have come from the page
    asked = set(re.findall(r'"url":"(https?://[^"]+)"', log.read_text(encoding="utf-8")))
    assert all(re.search(r"google|gstatic|gvt1|chrome", url) for url in asked)


def test_a_picture_of_it_and_a_print(page, tmp_path):
    picture, paper = tmp_path / "page.png", tmp_path / "page.pdf"
    browse(tmp_path, page, f"--screenshot={picture}", width=900, height=1200)
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(picture.read_bytes()) > 20_000
    browse(tmp_path, page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    data = paper.read_bytes()
    assert data[:5] == b"%PDF-"
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 20
