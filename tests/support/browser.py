"""The system's Chromium, driven by Playwright: nothing is downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from local.processes import NotInstalledError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # A name of a website that is this machine.
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
]


def find_browser() -> str:
    """Return the browser's path.

    Raises:
        NotInstalledError: There is none.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        msg = "Chromium is missing: install it, on Debian with `apt-get install chromium`"
        raise NotInstalledError(msg)
    return found


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Run the browser without a window. Raises NotInstalledError."""
    program = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), button, a, select")]
  .filter(each => !each.ariaLabel && !(each.labels ?? []).length && !each.textContent.trim())
  .map(each => each.outerHTML)"""
"""What can be focused and has no name."""

FAINT = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgb = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = rgb(getComputedStyle(element).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    const both = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const [low, high] = both.sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.push(`${text} ${contrast.toFixed(2)}`);
  }
  return faint;
}"""
"""Texts with too little contrast to what is behind them."""
