"""Export formats. A new one is a new module here with a FORMAT; the contract test picks it up by itself."""

import pkgutil
from importlib import import_module

from webapp.exports.records import ExportFormat


def _discover() -> dict[str, ExportFormat]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return {module.FORMAT.name: module.FORMAT for module in modules}


FORMATS = _discover()
