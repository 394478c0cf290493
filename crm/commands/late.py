"""Commands load what they do their work with when they run, so that help and wrong input load none of it.

While the command line loads a file of commands, a name that the file imports from the layers below stands for what is
loaded later. Before a command runs, `bind` puts the real classes and functions in place that it uses; a module is
loaded when something of it is first used. Only the files of commands are read like this: everything below them imports
as usual.
"""

from __future__ import annotations

import builtins
import functools
import gc
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from types import CodeType, FunctionType, ModuleType
from typing import Any

COMMANDS = "crm.commands"
BELOW = frozenset({"agi", "ari_app", "asterisk_conf", "asyncio", "crm", "msgspec", "sqlalchemy"})
"""Packages that are loaded later; of `crm`, all but the commands."""


class Name:
    """A class or function that has not been loaded. What files need of it while they load is there: the values of an
    enumeration, a class to derive from."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def real(self) -> Any:
        return getattr(loaded(self._module), self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.real()(*args, **kwargs)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self.real())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.real())

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[Any, ...]:
        return (self.real(),)


class Module(ModuleType):
    """A module that is loaded when something of it is used. It stays in place, and is not in `sys.modules`: what loads
    it is Python's own import, with its locks, whichever thread comes first."""

    def __getattr__(self, name: str) -> Any:
        return getattr(loaded(self.__name__), name)


def loaded(name: str) -> ModuleType:
    """Returns a module, and loads it if need be."""
    if name not in sys.modules:
        # Little of what modules make is ever garbage; looking for it takes a third of a command's time.
        was_on = gc.isenabled()
        gc.disable()
        try:
            importlib.import_module(name)
        finally:
            gc.freeze()
            if was_on:
                gc.enable()
    return sys.modules[name]


def commands(name: str) -> ModuleType:
    """Loads a file of commands, and those that it imports, without what they import from below."""
    with _later():
        return loaded(f"{COMMANDS}.{name}")


@functools.cache
def bind(act: Any) -> None:
    """Puts the real classes and functions in place of the names that a function uses: in its own code, and in that of
    what it uses in files of commands. What the other commands of a file need stays unloaded."""
    seen: set[int] = set()
    left = [act]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):
            names = _names(one.__code__)
            left += [cell.cell_contents for cell in one.__closure__ or ()]
            left += _put_in_place(one.__globals__, names)
            for name in names:
                if isinstance(used := one.__globals__.get(name), ModuleType):
                    left += _put_in_place(vars(used), names)
        elif isinstance(one, type) and _is_of_commands(one.__module__):
            left += [*vars(one).values(), *one.__bases__]
        elif isinstance(one, (classmethod, staticmethod)):
            left.append(one.__func__)
        elif isinstance(one, (functools.partial, functools.cached_property)):
            left.append(one.func)
        elif isinstance(one, property):
            left += [one.fget, one.fset]
        elif isinstance(one, dict):
            left += one.values()
        elif isinstance(one, (tuple, list, set, frozenset)):
            left += one
        elif _is_of_commands(type(one).__module__):
            left += [type(one), *vars(one).values()]


def _names(code: CodeType) -> set[str]:
    """What this code, and code within it, calls by name: globals, and attributes."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _put_in_place(module: dict[str, Any], names: set[str]) -> list[Any]:
    """Puts what is real in place in a file of commands; returns what else these names are."""
    if not _is_of_commands(str(module.get("__name__", ""))):
        return []
    found = {name: module[name] for name in names if name in module}
    for name, value in found.items():
        if isinstance(value, Name):
            module[name] = value.real()
    return [value for value in found.values() if not isinstance(value, (Name, ModuleType))]


def _is_of_commands(module: str) -> bool:
    return f"{module}.".startswith(f"{COMMANDS}.")


def real(value: Any) -> Any:
    """Returns what a name stands for, and anything else as it is."""
    return value.real() if isinstance(value, Name) else value


@contextmanager
def _later() -> Iterator[None]:
    at_once = builtins.__import__

    def imported(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        importer = str((globals or {}).get("__name__", ""))
        if level or not importer.startswith(COMMANDS) or not _is_below(name) or not (fromlist or "." not in name):
            return at_once(name, globals, locals, fromlist, level)
        if not fromlist:
            return Module(name)
        stands_for = ModuleType(name)
        for one in fromlist:
            setattr(stands_for, one, _stands_for(name, one))
        return stands_for

    builtins.__import__ = imported
    try:
        yield
    finally:
        builtins.__import__ = at_once


def _is_below(name: str) -> bool:
    return name.partition(".")[0] in BELOW and not _is_of_commands(name)


def _stands_for(module: str, name: str) -> Any:
    if _is_module(f"{module}.{name}"):
        return Module(f"{module}.{name}") if _is_below(f"{module}.{name}") else loaded(f"{module}.{name}")
    # A constant is wanted for its value, often while the file loads.
    return getattr(loaded(module), name) if name.isupper() else Name(module, name)


def _is_module(name: str) -> bool:
    """Whether this is a module, from the files alone: nothing is loaded to find out."""
    path: Sequence[str] | None = None
    so_far = ""
    for part in name.split("."):
        so_far = f"{so_far}.{part}" if so_far else part
        found = PathFinder.find_spec(so_far, path)
        if found is None:
            return False
        path = found.submodule_search_locations or []
    return True
