"""Runs a command from a small process: python launch.py OUT COMMAND ... writes {"ms", "processor_ms", "peak_mb", "status"}.

A process starts with its parent's peak memory as its own (Linux, getrusage), and the one that makes
the comparison has held large models. The command's standard output goes to the file OUT.
"""

import json
import os
import sys
import time


def main() -> None:
    out, *command = sys.argv[1:]
    to_out = (os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_TRUNC, 0)
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=[to_out])
    _, status, usage = os.wait4(child, 0)
    ms = 1e3 * (time.perf_counter() - start)
    status = os.waitstatus_to_exitcode(status)
    processor = 1e3 * (usage.ru_utime + usage.ru_stime)
    found = {"ms": ms, "processor_ms": processor, "peak_mb": usage.ru_maxrss / 1024}
    print(json.dumps(found | {"status": status}))


if __name__ == "__main__":
    main()
