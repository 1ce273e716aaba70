"""The one shell in which all commands of a document are run, as a reader would in one terminal."""

import os
import re
import selectors
import signal
import subprocess
import time
from blocks import DocumentError

MARK = "\x1e"
SECONDS = 120  # that a command may take
DEFAULT_PORT = "3000"
PORTS = re.compile(r"(localhost:|127\.0\.0\.1:|\[::1\]:)(\d{4,5})\b")


class Shell:
    """bash with `program` first in PATH as sapwood. `sapwood serve` runs behind the other commands until the document ends, or until
    one begins on the same port. It listens on a free port, which stands for the one that the document names."""

    def __init__(self, program, folder, home):
        self.folder = folder
        self.ports = {}  # by the port that is named: the one in truth
        self.servers = {}  # by the port or the socket that is named: the process
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SAPWOOD_", "HF_"))}
        environment |= {"HOME": str(home), "LC_ALL": "C.UTF-8", "PORT": "0", "SAPWOOD": str(program),
                        "PATH": f"{program.parent}:{os.environ['PATH']}"}
        self.environment = environment
        self.process = subprocess.Popen(["bash", "--norc"], cwd=folder, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        os.set_blocking(self.process.stdout.fileno(), False)

    def close(self):
        """Ends the servers and the shell. True: every server ended well."""
        well = True
        for process in self.servers.values():
            well = self._stop(process) and well
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        return well

    def with_real_ports(self, text):
        return PORTS.sub(lambda found: found.group(1) + self.ports.get(found.group(2), found.group(2)), text)

    def _with_named_ports(self, text):
        for named, real in self.ports.items():
            text = re.sub(rf"\b{real}\b", named, text)
        return text

    def run(self, text):
        """A command's output, both streams as a terminal shows them. Throws DocumentError where it fails or does not end."""
        command = self.with_real_ports(text)
        if re.match(r"(\w+=\S+ |taskset -c \S+ )*sapwood serve\b", command):
            return self._with_named_ports(self._serve(command))
        output, status = self._run(command)
        if status != 0:
            raise DocumentError(f"the command ended with status {status}:\n{output}")
        return self._with_named_ports(output)

    def _run(self, command):
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '{MARK}%s{MARK}' $?\n".encode())
        self.process.stdin.flush()
        output, end = b"", time.monotonic() + SECONDS
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        while True:
            if found := re.search(rf"{MARK}(\d+){MARK}$".encode(), output):
                return output[: found.start()].decode(errors="replace"), int(found.group(1))
            if not selector.select(max(0, end - time.monotonic())):
                raise DocumentError(f"the command did not end within {SECONDS} s:\n{command}")
            if not (read := self.process.stdout.read()):
                raise DocumentError(f"the shell ended:\n{output.decode(errors='replace')}")
            output += read

    def _serve(self, command):
        place = re.search(r"--uds-path[ =](\S+)|--port[ =](\d+)", command)
        place = (place.group(1) or place.group(2)) if place else DEFAULT_PORT
        if place in self.servers and not self._stop(self.servers.pop(place)):
            raise DocumentError("the server before ended badly")
        log = self.folder / f"serve-{len(list(self.folder.glob('serve-*.log')))}.log"
        command = command.replace("taskset -c 0 ", f"taskset -c {min(os.sched_getaffinity(0))} ")
        command = re.sub(r"--port[ =]\d+", "--port 0", command).rstrip().removesuffix("&").rstrip()
        process, _ = self._run(f"{command} >{log} 2>&1 &\necho $!")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            said = log.read_text() if log.exists() else ""
            if found := re.search(r"listening on \S*?(\d*)\n", said):
                self.servers[place] = process.strip()
                if found.group(1):
                    self.ports[place] = found.group(1)
                return said
            if self._run(f"kill -0 {process}")[1] != 0:
                break
            time.sleep(0.05)
        raise DocumentError(f"the server did not start:\n{log.read_text()}")

    def _stop(self, process):
        return self._run(f"kill {process}; wait {process}")[1] == 0
