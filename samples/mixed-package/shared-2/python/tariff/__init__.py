"""Every module of the package is a country."""

__version__ = "2.0"

import importlib
import pkgutil

from .rates import percent

_COUNTRIES = [module.name for module in pkgutil.iter_modules(__path__) if module.name != "rates"]


def countries():
    return {name: importlib.import_module("." + name, __name__).RATE for name in _COUNTRIES}
