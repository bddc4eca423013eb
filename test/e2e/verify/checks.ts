import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { describeServers } from '../harness/requirements.ts'
import { type Server, startServer } from '../harness/server.ts'
import { provide } from '../scenario.ts'
import { readLiveState } from './live-state.ts'
import { expectAllPass, expectFailures, prove } from './proof.ts'
import { KEEP_FILES, PUT_FILES_BACK, SABOTAGES } from './sabotages.ts'

/** The check of each minute starts processes, which would pass for what verify has started. */
const IDLE = '[Service]\nExecStart=\nExecStart=/bin/sleep 1d\n'

/** What is tested of `portward verify` on one release: what each has to show, and more that only this one does. */
export const describeVerify = (
  suite: keyof typeof SABOTAGES,
  more: (current: () => Server) => void,
): void => {
  describeServers(`portward verify on ${suite}`, () => {
    let server: Server

    beforeAll(async () => {
      server = await startServer({
        suite,
        floor: 'provisioned',
        prepare: (stopped) => stopped.write('/etc/systemd/system/portward-bans.service.d/idle.conf', IDLE),
      })
      await provide(server)
      // By then it has written down all that it ever does.
      await eventually('fail2ban answers', () => server.run('fail2ban-client status portsentry'))
      // The kernel looks for another host with a new address of its own for a second or two.
      await server.run('until test -z "$(ip -6 address show tentative)"; do sleep 0.1; done')
      // A file of the floor below is copied, which shows, when somebody first opens it for writing.
      await server.run(
        "find /etc/hosts.deny /var/lib/portsentry /var/lib/portward /var/log/*.log -type f -exec chmod u+r '{}' +",
      )
    })
    afterAll(() => server?.stop())

    it('passes, and leaves the server exactly as it was', async () => {
      const before = await readLiveState(server)
      const proof = await prove(server)
      expectAllPass(proof)
      expect(proof.exitCode).toBe(0)
      // A machine with much to do may take longer than the five seconds after which a wait is told.
      expect(proof.stderr.replace(/^waiting for .*\n?/gm, '')).toBe('')
      expect(await readLiveState(server)).toEqual(before)
    })

    describe('on a server that somebody has broken', () => {
      beforeAll(() => server.run(KEEP_FILES))

      it.each(SABOTAGES[suite].map((group) => [group.map(({ what }) => what).join('; '), group] as const))(
        '%s',
        async (_what, group) => {
          try {
            for (const { commands } of group) await server.run(commands)
            const proof = await prove(server)
            for (const { failing } of group) expectFailures(proof, failing)
          } finally {
            await server.run([PUT_FILES_BACK, ...group.flatMap(({ undo }) => undo ?? [])].join('\n'))
          }
        },
      )
    })

    more(() => server)
  })
}
