"""The server's process: its start and end, its memory, descriptors and threads as the kernel counts them, what it says."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from soak.cases import MODELS


class Server:
    def __init__(self, sapwood: str, socket: Path, threads: int):
        command = [sapwood, "serve", "--listen", "127.0.0.1:0", "--uds-path", str(socket), "--threads", str(threads),
                   "--max-wait", "3000"]
        for name, path in MODELS.items():
            command += ["-m", f"{name}={path}"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SAPWOOD_", "PORT", "API_KEY", "UDS_PATH"))}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.said: list[str] = []  # what is no line of its log of requests
        self.statuses: dict[int, int] = {}
        self.reloads = 0
        self.port = None
        started = threading.Event()
        threading.Thread(target=self.read, args=(started,), daemon=True).start()
        if not started.wait(60):
            raise RuntimeError("the server did not start: " + "\n".join(self.said))
        self.socket = str(socket)
        self.folder = Path("/proc") / str(self.process.pid)

    def read(self, started):
        for line in self.process.stderr:
            try:
                entry = json.loads(line)
                self.statuses[entry["status"]] = self.statuses.get(entry["status"], 0) + 1
            except (ValueError, KeyError, TypeError):
                self.said = self.said[-200:] + [line.rstrip()]
                self.reloads += " again" in line
                if found := re.search(r"listening on http://127.0.0.1:(\d+)", line):
                    self.port = int(found.group(1))
                if "listening on unix:" in line:
                    started.set()

    def counts(self) -> dict[str, int]:
        """KiB of memory of its own and of all that is resident, open descriptors, threads."""
        text = (self.folder / "status").read_text()
        kib = {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1)) for name in ("RssAnon", "VmRSS")}
        return kib | {"descriptors": len(os.listdir(self.folder / "fd")), "threads": len(os.listdir(self.folder / "task"))}

    def at_rest(self, baseline: dict | None) -> dict[str, int]:
        """Counts when no client is there any more: as soon as they stay as they are and have no descriptor and no thread
        more than the baseline, else after 20 s."""
        end = time.monotonic() + 20
        before = None
        while True:
            time.sleep(1)  # a reload, and a connection that is read on after its last answer, take a second
            counts = self.counts()
            more = baseline and any(counts[name] > baseline[name] for name in ("descriptors", "threads"))
            if time.monotonic() > end or (counts == before and not more):
                return counts
            before = counts

    def alive(self) -> bool:
        return self.process.poll() is None

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """The exit status after SIGTERM; 1000 where it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return 1000
