"""Files that commands write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from crm.commands.command import WrongInput


@contextmanager
def written(paths: Mapping[str, Path]) -> Iterator[dict[str, TextIO]]:
    """Opens files to write into, by name; afterwards either all of them exist, complete, or none does. Raises
    WrongInput."""
    parts = {name: path.with_name(f".{path.name}.part") for name, path in paths.items()}
    try:
        with ExitStack() as stack:
            opened: dict[str, TextIO] = {}
            for name, part in parts.items():
                part.unlink(missing_ok=True)
                # Under a temporary name first, so that nobody finds half a file and an older one stays until this one
                # is complete.
                opened[name] = stack.enter_context(part.open("x", encoding="utf-8", newline=""))
                part.chmod(0o600)
            yield opened
        for name, part in parts.items():
            part.replace(paths[name])
    except OSError as error:
        named = next(iter(paths.values()))
        raise WrongInput(f"{named} cannot be written ({error.strerror}): choose another place.") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
