import { spawnSync } from 'node:child_process'

/** Runs a program on a pseudo-terminal, and types or hangs up when it asks. */
const DRIVER = `
import os, pty, select, sys, time
answer, argv = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
output, asked, deadline = b'', False, time.monotonic() + 50
while time.monotonic() < deadline:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        output += read
        if not read:
            break
    if not asked and b'(y/N)' in output:
        asked = True
        if answer == 'hang up':
            os.close(terminal)
            break
        os.write(terminal, answer.encode())
sys.stdout.buffer.write(output)
sys.stdout.flush()
while time.monotonic() < deadline:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        sys.exit(max(os.waitstatus_to_exitcode(status), 0) or (0 if status == 0 else 200))
    time.sleep(0.05)
os.kill(pid, 9)
sys.exit('it does not end')
`

export interface Typed {
  /** 200: it was ended by a signal. */
  readonly status: number | null
  readonly output: string
  readonly complaint: string
}

/** What a program makes of an answer that is typed when it asks `(y/N)`; `hang up`: the terminal goes away instead. */
export const typeInto = (answer: string, program: string, args: readonly string[]): Typed => {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', DRIVER, answer, program, ...args])
  return { status, output: stdout.toString(), complaint: stderr.toString() }
}
