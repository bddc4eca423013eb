import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Outcome } from '../../src/detector/decision.ts'
import { createDetector } from '../../src/detector/detector.ts'
import { createWatcher } from '../../src/detector/watcher.ts'
import { actingEffects, findInUse, readBlocked, watchingEffects } from '../../src/live-detection/effects.ts'
import { openIgnoreList } from '../../src/live-detection/ignore-source.ts'
import { configure, packet } from '../detector/daemon.ts'
import { temporaryDirectory } from '../tree.ts'

const LINE = 'ALL: 203.0.113.9 : DENY\n'

/** A detector in this mode that acts, or would, below a root with a hosts.deny; its commands leave marks in `mark`. */
const start = async (mode: 'atcp' | 'stealth', command: string, acts = true) => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc/portsentry'), { recursive: true })
  writeFileSync(join(root, 'etc/hosts.deny'), '')
  const mark = join(root, 'mark')
  const configuration = configure(mode, {
    KILL_ROUTE: command.replace('MARK', mark),
    KILL_HOSTS_DENY: 'ALL: $TARGET$ : DENY',
    ADVANCED_EXCLUDE_TCP: '113',
  })
  const ignorePath = '/etc/portsentry/portsentry.ignore'
  writeFileSync(join(root, ignorePath), '192.168.1.0/24\n')
  const ignore = await openIgnoreList(root, [ignorePath], configuration.dialect)
  const detected: (readonly [Outcome, readonly string[]])[] = []
  const basis = {
    configurations: [configuration],
    ignore,
    isInUse: () => false,
    detected: (outcome: Outcome, faults: readonly string[]) => void detected.push([outcome, faults]),
  }
  const effects = acts ? await actingEffects(root, basis) : watchingEffects(basis, false)
  const blocked = await readBlocked(root, configuration)
  const detector = createDetector(configuration, {
    ...{ addresses: null, inUseAtStart: () => false },
    ...(blocked === undefined ? {} : { blocked }),
  })
  const { blockedFile, historyFile } = configuration
  const files = {
    history: join(root, historyFile ?? ''),
    blocked: join(root, blockedFile ?? ''),
    hostsDeny: join(root, 'etc/hosts.deny'),
    ignore: join(root, ignorePath),
    mark,
  }
  return { watcher: createWatcher([detector], effects), detected, files }
}

const verdicts = (detected: readonly (readonly [Outcome, readonly string[]])[]) =>
  detected.map(([{ decision }]) => decision.verdict)

it('1.2: does what the daemon does, and writes what it writes', async () => {
  const { watcher, detected, files } = await start('atcp', 'echo $TARGET$ $PORT$ >>MARK')
  for (let round = 0; round < 2; round += 1) await watcher.observe(packet())
  await watcher.observe(packet({ from: '192.168.1.7' }))
  expect(verdicts(detected)).toEqual(['act', 'already-blocked', 'ignored'])
  expect(readFileSync(files.mark, 'utf8')).toBe('203.0.113.9 11\n')
  expect(statSync(files.mark).mode & 0o777).toBe(0o600)
  expect(readFileSync(files.hostsDeny, 'utf8')).toBe(LINE)
  const history = readFileSync(files.history, 'latin1')
  expect(history).toMatch(/^1795288592 - .* Host: 203\.0\.113\.9\/203\.0\.113\.9 Port: 11 TCP Blocked\n$/)
  expect(readFileSync(files.blocked, 'latin1')).toBe(history)
  expect(statSync(files.history).mode & 0o777).toBe(0o600)
})

it('1.2: reads the ignore list and the blocked file again when they change', async () => {
  const { watcher, detected, files } = await start('atcp', 'true $TARGET$')
  await watcher.observe(packet())
  await watcher.observe(packet())
  writeFileSync(files.blocked, '')
  await watcher.observe(packet())
  writeFileSync(files.ignore, '203.0.113.9\n')
  await watcher.observe(packet())
  expect(verdicts(detected)).toEqual(['act', 'already-blocked', 'act', 'ignored'])
})

it('2.x: writes its own history and records, and remembers them', async () => {
  const { watcher, detected, files } = await start('stealth', 'false $TARGET$')
  await watcher.observe(packet())
  writeFileSync(files.ignore, '203.0.113.9\n')
  await watcher.observe(packet())
  expect(verdicts(detected)).toEqual(['act', 'already-blocked'])
  expect(detected[0]?.[0].warnings).toEqual([expect.stringMatching(/^KILL_ROUTE ended with exit code 1/)])
  expect(readFileSync(files.history, 'latin1').match(/ blocked: \[true\]\n/g)).toHaveLength(2)
  expect([...readFileSync(files.blocked)]).toEqual([2, 0, 203, 0, 113, 9])
  expect(readFileSync(files.hostsDeny, 'utf8')).toBe(LINE)
})

it('goes on where it cannot write, and says so', async () => {
  const { watcher, detected, files } = await start('stealth', 'true $TARGET$')
  mkdirSync(files.history)
  await watcher.observe(packet())
  expect(detected).toEqual([[expect.anything(), [expect.stringMatching(/cannot write .*history: EISDIR/)]]])
})

it('changes nothing where it only watches', async () => {
  const { watcher, detected, files } = await start('atcp', 'touch MARK $TARGET$', false)
  await watcher.observe(packet())
  expect(detected[0]?.[0].outcomes.map(({ result }) => result)).toEqual(['assumed', 'assumed'])
  expect(readFileSync(files.hostsDeny, 'utf8')).toBe('')
  expect([files.mark, files.history, files.blocked].filter((path) => existsSync(path))).toEqual([])
})

it('finds the ports that services have at the start', async () => {
  const server = createServer().listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const inUse = await findInUse([
    configure('stcp', { TCP_PORTS: `${port},${port === 65_535 ? 1024 : port + 1}` }),
  ])
  expect(inUse('tcp', port)).toBe(true)
  expect(inUse('udp', port)).toBe(false)
})
