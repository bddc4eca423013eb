import { existsSync } from 'node:fs'
import { chmod, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askJails, readBanned } from '../facts/fail2ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import { readInit } from '../facts/systemd.ts'
import { DENIED } from '../policy/ban-set.ts'
import {
  LEGACY_PROGRAM,
  LEGACY_RECORD,
  LEGACY_UNITS,
  legacyBans,
  MAKE_WAY,
  removeLegacyRoutes,
  removeLegacyRules,
} from '../policy/legacy-bans.ts'
import { monotonicMs } from '../system/clock.ts'
import { effect } from '../system/effect.ts'
import { readFileState, replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { run, tryRun } from '../system/process.ts'
import { readBanSet } from './ban-set.ts'
import { ban } from './jail.ts'

const RULES_HINT =
  'see whether the firewall can be changed: iptables -S PORTWARD, nft list table inet portward'

const [FIREWALL_UNIT, SYNC_UNIT, SYNC_TIMER] = LEGACY_UNITS

/** Addresses in one command. */
const AT_ONCE = 500
/** fail2ban bans a moment after the request, one host after the other. */
const PATIENCE_MS = 10_000
const POLL_MS = 100

/**
 * Makes fail2ban ban those of these hosts that are in the old record and that it has not banned. Returns those that it does
 * not accept. Throws HostError.
 */
const banInFail2ban = async (hosts: readonly string[]): Promise<readonly string[]> => {
  const record = (await readFileState('/', LEGACY_RECORD))?.text
  const banned = new Set(legacyBans(record, Date.now()))
  const findMissing = async (): Promise<string[]> => {
    const present = new Set(await readBanned('portsentry'))
    return hosts.filter((host) => banned.has(host) && !present.has(host))
  }
  let missing = await findMissing()
  for (let at = 0; at < missing.length; at += AT_ONCE)
    await ban('portsentry', ...missing.slice(at, at + AT_ONCE))
  let deadline = monotonicMs() + PATIENCE_MS
  while (missing.length > 0 && monotonicMs() < deadline) {
    await sleep(POLL_MS)
    const before = missing.length
    missing = await findMissing()
    if (missing.length < before) deadline = monotonicMs() + PATIENCE_MS
  }
  return missing
}

/**
 * Enters every ban into fail2ban, and keeps the old program from making new ones. Its rules remain in force. Throws
 * HostError.
 */
export const handOverBans = async (hosts: readonly string[]): Promise<void> => {
  if (readInit() === 'systemd') {
    await effect(`run systemctl disable ${LEGACY_UNITS.join(' ')}`, async () => {
      await tryRun('systemctl', ['stop', SYNC_TIMER])
      // Also waits for one that is running: killed in the middle, it would leave temporary files.
      await tryRun('systemctl', ['start', SYNC_UNIT])
      await tryRun('systemctl', ['disable', ...LEGACY_UNITS])
    })
  }
  // If fail2ban does not run, `removeBanProgram` enters the bans later.
  if ((await askJails())?.includes('portsentry')) await banInFail2ban(hosts)
  await effect('rename the old chain', () => run('sh', ['-c', MAKE_WAY], RULES_HINT))
}

const resetFailed = async (): Promise<void> => {
  for (const unit of LEGACY_UNITS) await tryRun('systemctl', ['reset-failed', unit])
}

/** Removes the old program's notes, which last until the next boot. The list of banned hosts is in the same directory now. */
const removeNotes = async (): Promise<void> => {
  const directory = dirname(DENIED)
  const names = await readdir(directory).catch(() => [])
  for (const path of names.map((name) => join(directory, name)))
    if (path !== DENIED) await rm(path, { force: true })
  // Empty if the ban set keeps nothing in it.
  await rmdir(directory).catch(() => {})
  // The old program made it readable for root only; daemons that use libwrap may run as other users.
  await chmod(directory, 0o755).catch(() => {})
}

/** Removes what the old program, whose files have been removed, has left: rules, record, units. Throws HostError. */
export const removeBanProgram = async (hosts: readonly string[]): Promise<void> => {
  const [first, ...others] = await banInFail2ban(hosts)
  if (first !== undefined)
    throw new HostError(
      `fail2ban does not ban ${[first, ...others.slice(0, 9)].join(', ')}, which the old ban program has banned`,
      'see /var/log/fail2ban.log',
    )
  await effect('remove the rules of the old ban program', async () => {
    await run('sh', ['-c', removeLegacyRules(await readBanSet())], RULES_HINT)
    const record = (await readFileState('/', LEGACY_RECORD))?.text
    await tryRun('ip', ['-force', '-batch', '-'], { input: removeLegacyRoutes(legacyBans(record)) })
  })
  await effect(`remove ${LEGACY_RECORD}`, () => rm(LEGACY_RECORD, { force: true }))
  if (readInit() === 'systemd') {
    await effect(`run systemctl stop ${FIREWALL_UNIT}`, async () => {
      // Without its unit file systemd runs no command when it stops.
      await run('systemctl', ['daemon-reload'], 'see systemctl status')
      await tryRun('systemctl', ['stop', FIREWALL_UNIT])
      await resetFailed()
    })
  }
  await removeNotes()
}

const runProgram = (verb: 'start' | 'sync' | 'clear'): Promise<void> =>
  effect(`run ${LEGACY_PROGRAM} ${verb}`, async () => {
    await run('/bin/sh', [LEGACY_PROGRAM, verb], RULES_HINT)
  })

/** Stops the old program, whose files still exist, and removes all of its bans. Throws HostError. */
export const clearBanProgram = async (): Promise<void> => {
  if (readInit() === 'systemd') {
    await effect(`run systemctl disable --now ${FIREWALL_UNIT}`, async () => {
      await tryRun('systemctl', ['stop', ...[...LEGACY_UNITS].reverse()])
      await tryRun('systemctl', ['disable', ...LEGACY_UNITS])
      // A unit that was killed while it ran would be listed as failed even after its file has been removed.
      await resetFailed()
    })
  }
  if (existsSync(LEGACY_PROGRAM)) await runProgram('clear')
  await rm(LEGACY_RECORD, { force: true })
  await removeNotes()
}

/** Adds the bans in force to the old record, which may have been removed, or may lack later bans. Throws HostError. */
const writeRecord = async (isKept: (address: string) => boolean): Promise<void> => {
  const [record, { bans }] = await Promise.all([readFileState('/', LEGACY_RECORD), readFirewallBans()])
  const known = new Set(legacyBans(record?.text))
  const lines = bans
    .filter(({ address, isOwn }) => isOwn && !address.includes('/') && !known.has(address) && isKept(address))
    .map(({ address, untilMs }) => `${address} ${untilMs === null ? 0 : Math.ceil(untilMs / 1000)}\n`)
  await replaceFile('/', LEGACY_RECORD, (record?.text ?? '') + lines.join(''), 0o600)
}

/**
 * Makes the old program, whose files have been restored, ban every host that is banned now and is not to be released, and
 * that fail2ban has banned if it runs. Throws HostError.
 */
export const startBanProgram = async (isKept: (address: string) => boolean): Promise<void> => {
  await writeRecord(isKept)
  await runProgram('start')
  await runProgram('sync')
}

/** Starts the old program's units, which systemd knows again and which are enabled. Throws HostError. */
export const startBanProgramUnits = async (): Promise<void> => {
  if (readInit() !== 'systemd') return
  for (const unit of [FIREWALL_UNIT, SYNC_TIMER]) {
    await effect(`run systemctl start ${unit}`, () =>
      run('systemctl', ['start', unit], `see what journalctl -u ${unit} says`),
    )
  }
}
