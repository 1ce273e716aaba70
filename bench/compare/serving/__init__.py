"""The HTTP server beside the library's own calls and beside Python servers over other engines."""

from . import contest, idle, library, open_loop
from .texts import Mix

PART = "serve"


def run(settings, store, data) -> None:
    mix = Mix.load(data, settings.quick)
    for part in (library, open_loop, contest, idle):
        settings.require_time()
        part.run(mix, settings, store)
