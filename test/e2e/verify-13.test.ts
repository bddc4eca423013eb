import { expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { describeVerify } from './verify/checks.ts'
import { readTransientState } from './verify/live-state.ts'
import { prove } from './verify/proof.ts'

/** How long after its start `verify` is killed, besides where its lab is known to be up. */
const MOMENTS_MS = [100, 300, 600, 900, 1200, 1600, 2000, 2500]

const HISTORY = '/var/lib/portsentry/portsentry.history'
/** In Perl, a line of the history about the host `$a`, just now. */
const LINE = 'time, strftime(" - %m/%d/%Y %H:%M:%S", localtime), " Host: $a/$a Port: 11 TCP Blocked\\n"'

describeVerify('trixie', (current) => {
  /** Starts `verify` on its own, and gives its process id. */
  const start = async (): Promise<string> =>
    (await current().run('portward verify </dev/null >/dev/null 2>&1 & echo $!')).stdout
  /** The state of the server when nothing of what came before still ends in it. */
  const settled = async (): Promise<unknown> => {
    let last: unknown
    return eventually('nothing changes', async () => {
      const now = await readTransientState(current())
      const isSame = JSON.stringify(now) === JSON.stringify(last)
      last = now
      return isSame && now
    })
  }
  /** Kills it, and waits until the server is as it was before. */
  const expectNoRemains = async (before: unknown, signal: string, pid: string): Promise<void> => {
    await current().run(`kill -${signal} ${pid}`, { allowFailure: true })
    let now: unknown
    const isGone = async () => {
      now = await readTransientState(current())
      return JSON.stringify(now) === JSON.stringify(before)
    }
    await eventually('all of it is gone', isGone).catch(() => undefined)
    expect(now).toEqual(before)
  }

  it.each(['KILL', 'TERM'])('leaves nothing when SIG%s ends it while it runs', async (signal) => {
    const before = await settled()
    const pid = await start()
    await current().run(
      "until pgrep -f '[k]ill-child=KILL' && pgrep -f '[f]ail2ban-server.*lab.log'; do sleep 0.05; done",
    )
    await expectNoRemains(before, signal, pid)
  })

  it('leaves nothing whenever it is killed', async () => {
    const before = await settled()
    for (const moment of MOMENTS_MS) {
      const pid = await start()
      await current().run(`sleep ${moment / 1000}`)
      await expectNoRemains(before, 'KILL', pid)
    }
  })

  it('says without root what it could not look at', async () => {
    const { stdout, stderr } = await current().run(
      'install -m 644 /root/config.env /tmp/config.env; setpriv --reuid nobody --clear-groups portward verify --config /tmp/config.env; rm /tmp/config.env',
      { allowFailure: true },
    )
    expect(stdout).toMatch(/^skip .*\n +only root can ask fail2ban$/m)
    expect(stdout).toMatch(/^skip .*\n +it cannot be built: only root can build it/m)
    expect(stdout).toMatch(/0 failed, 9 could not be done/)
    expect(stdout + stderr).not.toMatch(/^ +at /m)
  })

  it('proves the same where thousands were noticed a moment ago', async () => {
    // The live one would be busy with them for minutes.
    await current().run(
      `systemctl stop fail2ban
       perl -MPOSIX -e 'for my $i (0 .. 2999) { my $a = join ".", 45, 1, int($i / 250), $i % 250 + 1; print ${LINE} }' >>${HISTORY}`,
    )
    const { checks } = await prove(current())
    const inLab = checks.filter(({ code }) =>
      /^(?:cut-off|allowlisted|jail-bans|jail-allowlisted)$/.test(code),
    )
    expect(inLab.map(({ code, result }) => `${result} ${code}`)).toEqual([
      ...['pass cut-off', 'pass allowlisted', 'pass jail-bans', 'pass jail-allowlisted'],
    ])
  })
})
