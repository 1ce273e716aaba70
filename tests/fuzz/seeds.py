"""What every maker of seeds writes with."""

import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Folder:
    """Where the inputs go: make_seeds.py sets it."""

    path = None


def write(target, name, content):
    folder = Folder.path / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def parts(files):
    """The files as one input: tests/fuzz/files.h."""
    return "\n".join(f"=== {name}\n{content}" for name, content in files)
