"""Right answers, written in different styles: every one of them must pass. One module per notebook."""

import importlib
import pkgutil


def all_alternatives():
    """{exercise: [functions]} of all notebooks."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        found |= importlib.import_module(f"{__name__}.{info.name}").ALTERNATIVES
    return found
