"""Runs a shell command; prints what it cost, with all the processes it waited for: [seconds, seconds of processor time, bytes
of memory that the largest process held]. If the command does not end with the expected exit code, prints its output and fails.
"""

import json
import os
import sys
import tempfile
import time

command, expected = sys.argv[1], int(sys.argv[2])
with tempfile.TemporaryFile() as output:
    actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), stream) for stream in (1, 2)]
    start = time.monotonic()
    process = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    seconds = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    if code != expected:
        output.seek(0)
        sys.exit(f"{command}: exit {code}\n{output.read().decode(errors='replace')}")
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024]))
