import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { openTmux, type Tmux } from './harness/tmux.ts'
import { provide } from './scenario.ts'

/** Runs portward on the server in a terminal. It takes that away from nsenter, which Ctrl-C would end. */
const inTerminal = (server: Server, columns: number, ...argv: string[]): Promise<Tmux> => {
  const enter = ['nsenter', '-t', String(server.leader()), '-a', 'setsid', '--ctty', '--wait']
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
  return openTmux([...enter, 'portward', ...argv], { columns, env })
}

/** The line that is redrawn. */
const LIVE = /^[|/\\-] /m

describeServers('what is shown of an apply in a terminal', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer()
    await provide(server)
    // So that there is time to look.
    const slow = '#!/bin/sh\nsleep 3\nexec /usr/bin/fail2ban-regex "$@"\n'
    await server.write('/usr/local/sbin/fail2ban-regex', slow, 0o755)
  })
  afterAll(() => server?.stop())

  it('at 80 columns: the progress of apt; Ctrl-C finishes it, and undoes everything', async () => {
    const terminal = await inTerminal(server, 80, 'apply', '--yes')
    await terminal.shows(/^[|/\\-] \[\d+\/\d+\] .* · \d+ %: .* {2}\d+ s$/m)
    await terminal.press('C-c')
    await terminal.shows(/^finishing apt, then undoing everything$/m)
    await terminal.press('C-c')
    await terminal.shows(/^already finishing apt, then undoing everything$/m)
    // What is drawn survives it.
    await terminal.resize(60, 24)
    await terminal.resize(80, 24)
    expect(await terminal.ended()).toBe(1)
    const shown = await terminal.everything()
    expect(shown).toMatch(/^✔ rolling back: .*portsentry/m)
    expect(shown).toMatch(/^portward: interrupted \(its changes have been rolled back\)/m)
    expect(shown).not.toMatch(LIVE)
    expect((await server.run('dpkg-query -W portsentry 2>&1 || true')).stdout).toMatch(/no packages found/)
  })

  it('at 200 columns: steps, what is waited for, and the proof as it comes', async () => {
    const terminal = await inTerminal(server, 200, 'apply', '--yes')
    await terminal.shows(/^[|/\\-] proving: .* · waiting for .*, up to \d+[ms] {2}\d s$/m)
    expect(await terminal.ended()).toBe(0)
    const shown = await terminal.everything()
    expect(shown).toMatch(/^✔ .*install/m)
    expect(shown).toMatch(/^✔ both daemons are running as planned/m)
    expect(shown).toMatch(/^✔ scans in a copy of this server: \d+ passed {2}\d+(?:\.\d)? s$/m)
    expect(shown).not.toMatch(LIVE)
    expect(shown).toMatch(/^verified: .*this server bans scanners/m)
  })

  it('shows what verify does, and leaves its table', async () => {
    const terminal = await inTerminal(server, 80, 'verify')
    await terminal.shows(/^[|/\\-] checking: .* · waiting for /m)
    expect(await terminal.ended()).toBe(0)
    const shown = await terminal.everything()
    expect(shown).toMatch(/^pass {2}/)
    expect(shown).not.toMatch(LIVE)
  })

  it('leaves nothing of its line behind when Ctrl-C ends it', async () => {
    const terminal = await inTerminal(server, 80, 'verify')
    await terminal.shows(LIVE)
    await terminal.press('C-c')
    // The terminal's own process is not ended by that signal.
    await server.run('while pgrep -f "[p]ortward/cli.cjs verify"; do sleep 0.1; done')
    expect(await terminal.everything()).not.toMatch(LIVE)
  })

  it('a rollback is finished, and says so', async () => {
    const terminal = await inTerminal(server, 80, 'rollback', '--yes')
    await terminal.shows(/^[|/\\-] rolling back: .* · \d+ %: /m)
    await terminal.press('C-c')
    await terminal.shows(/^finishing the rollback, which must not stop half-way$/m)
    expect(await terminal.ended()).toBe(0)
    expect(await terminal.everything()).toMatch(/^rolled back$/m)
  })

  it.each(['--quiet', '--json'])('%s shows nothing of it', async (option) => {
    const { stderr } = await server.run(`portward verify ${option}`, { allowFailure: true })
    expect(stderr).toBe('')
  })
})
