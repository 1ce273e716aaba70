"""Raw results, a JSON file for each cell, so that an interrupted run goes on where it stopped."""

import functools
import hashlib
import json
import subprocess
import time
from pathlib import Path

from .paths import RAW, ROOT, SAPWOOD


@functools.cache
def program() -> str:
    """What was measured: a cell of another build is measured again."""
    return hashlib.sha256(SAPWOOD.read_bytes()).hexdigest()[:12]


@functools.cache
def commit() -> str:
    def git(*arguments) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    changed = git(
        "status", "--porcelain", "--untracked-files=no", "--", "engine", "kernels", "tools"
    )
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


class Store:
    def __init__(self, folder: Path = RAW, fresh: bool = False, quick: bool = False):
        self.folder, self.fresh, self.quick = folder, fresh, quick
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def has(self, key: str) -> bool:
        """Whether this build's cell is there; a full run does not settle for a quick one."""
        if self.fresh or not self.path(key).exists():
            return False
        cell = json.loads(self.path(key).read_text())
        return cell["program"] == program() and (self.quick or not cell["quick"])

    def put(self, key: str, cell: dict) -> None:
        cell = {"key": key, **cell, "quick": self.quick, "program": program(), "commit": commit()}
        cell["date"] = time.strftime("%Y-%m-%d %H:%M")
        partial = self.path(key).with_suffix(".partial")
        partial.write_text(json.dumps(cell, indent=1) + "\n")
        partial.rename(self.path(key))

    def cells(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))]
