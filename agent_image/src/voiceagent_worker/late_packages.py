"""Packages that are imported with others and hardly ever used: they come into being at their first use.

openai's plugin imports the models of the realtime API, and with them some 700 modules of types: a fifth of the CPU
time of a worker's start. The package is there with its path and nothing else until a name of it is read (PEP 562).
"""

import sys
import threading
from collections.abc import Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

OF_THE_REALTIME_API: Final = (
    "livekit.plugins.openai.realtime",
    "openai.types.beta",
    "openai.types.beta.realtime",
    "openai.types.realtime",
)


def import_late(packages: Collection[str]) -> None:
    """From now on an import of one of these only notes it; a name that is read of it imports it in truth.

    Modules below such a package are imported as ever, without it. To be called once, before they are imported.
    """
    sys.meta_path.insert(0, _LateFinder(packages))


class _LateFinder(MetaPathFinder):
    def __init__(self, packages: Collection[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _LateLoader(spec.loader)
        return spec


class _LateLoader(Loader):
    def __init__(self, real: Loader) -> None:
        self._real = real
        # Its own thread comes here again where modules import each other.
        self._lock = threading.RLock()
        self._running = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        names = vars(module)

        def read(name: str) -> Any:
            if name.startswith("__") and name != "__all__":  # what inspection asks of every module
                raise _lacking(module, name)
            with self._lock:
                if self._running:
                    raise _lacking(module, name)
                if names.get("__getattr__") is read:
                    self._load(module)
                    if names.get("__getattr__") is read:
                        del names["__getattr__"]
            return getattr(module, name)

        names["__getattr__"] = read

    def _load(self, module: ModuleType) -> None:
        self._running = True
        try:
            self._real.exec_module(module)
        finally:
            self._running = False


def _lacking(module: ModuleType, name: str) -> AttributeError:
    return AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
