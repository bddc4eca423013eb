import { existsSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { LEGACY_PROGRAM, LEGACY_UNITS } from '../policy/legacy-bans.ts'
import { effect } from './effect.ts'
import { ban } from './fail2ban.ts'
import { run, tryRun } from './process.ts'
import { readInit } from './services.ts'

/** What the old program noted until the next boot. The list of banned hosts is in the same directory now. */
const NOTES_DIRECTORY = '/run/portward'
const NOTES = ['lock', 'cleared', 'released', 'unheld', 'server', 'flushed', 'unrecorded', 'going'].map(
  (name) => `${NOTES_DIRECTORY}/${name}`,
)

/** Addresses in one command. */
const AT_ONCE = 500

/** Has fail2ban ban these hosts, so that nothing but the old program's record is lost with it. Throws HostError. */
export const handOverBans = async (hosts: readonly string[]): Promise<void> => {
  for (let at = 0; at < hosts.length; at += AT_ONCE) await ban('portsentry', ...hosts.slice(at, at + AT_ONCE))
}

/** Ends the units of the old program and takes its rules away. Its files stay. Throws HostError. */
export const removeBanProgram = async (): Promise<void> => {
  if (readInit() === 'systemd') {
    await effect(`run systemctl disable --now ${LEGACY_UNITS[0]}`, async () => {
      await tryRun('systemctl', ['stop', ...[...LEGACY_UNITS].reverse()])
      await tryRun('systemctl', ['disable', ...LEGACY_UNITS])
      // One that was ended in the middle of its work would be listed as failed when its file is long gone.
      for (const unit of LEGACY_UNITS) await tryRun('systemctl', ['reset-failed', unit])
    })
  }
  if (existsSync(LEGACY_PROGRAM))
    await effect(`run ${LEGACY_PROGRAM} clear`, () =>
      run('/bin/sh', [LEGACY_PROGRAM, 'clear'], 'see whether its rules can be removed: iptables -S PORTWARD'),
    )
  for (const path of NOTES) await rm(path, { force: true })
  // Where the ban set keeps nothing in it.
  await rmdir(NOTES_DIRECTORY).catch(() => {})
}

const runProgram = (verb: 'start' | 'sync'): Promise<void> =>
  effect(`run ${LEGACY_PROGRAM} ${verb}`, async () => {
    await run('/bin/sh', [LEGACY_PROGRAM, verb], 'see whether the firewall can be changed: iptables -S')
  })

/** Has the old program, whose files are back, ban everyone that fail2ban holds, which runs. Throws HostError. */
export const startBanProgram = async (): Promise<void> => {
  await runProgram('start')
  if (readInit() === 'systemd') {
    for (const unit of [LEGACY_UNITS[0], LEGACY_UNITS[2]]) {
      await effect(`run systemctl restart ${unit}`, () =>
        run('systemctl', ['restart', unit], `see what journalctl -u ${unit} says`),
      )
    }
  }
  await runProgram('sync')
}
