"""The HTTP server beside the library's own calls and beside Python servers over other engines."""

from . import contest, idle, library, open_loop
from .texts import Mix

PART = "serve"


def run(settings, store, data) -> None:
    mix = Mix.load(data, settings.quick)
    library.run(mix, settings, store)
    open_loop.run(mix, settings, store)
    contest.run(mix, settings, store)
    idle.run(mix, settings, store)
