"""Which Chromium the browser tests drive. Standard library only: the set-up asks too, before anything is installed."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# For Playwright's launch(args=...). Root has no sandbox in Chromium; the rest keeps it from calling its makers.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Path of the Chromium that TESSERA_CHROMIUM names, else of the first one on PATH; None when there is none."""
    chosen = os.environ.get("TESSERA_CHROMIUM")
    if chosen:
        return shutil.which(chosen)
    return next((path for path in map(shutil.which, NAMES) if path), None)
