import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { detectCommand } from '../../src/commands/detect.ts'
import type { DetectOptions } from '../../src/commands/detect-options.ts'
import { pcap } from '../detector/captures.ts'
import { ipv4, payload, tcp } from '../detector/packets.ts'
import { documentOf, documentsOf } from '../documents.ts'
import { freePort } from '../free-port.ts'
import { copyOf, DPKG_2, fixtures, temporaryDirectory, writeInto } from '../tree.ts'
import { createTerminal } from './in-process.ts'

const SCAN = join(fixtures, 'scan.pcap')
const CONF = 'etc/portsentry/portsentry.conf'
const IGNORE = 'etc/portsentry/portsentry.ignore.static'

/** A Debian 12 server that blocks scanners, but not its LAN. */
const server12 = (edit: (conf: string) => string = (conf) => conf): string => {
  const root = copyOf(join(fixtures, 'sample-server'))
  const conf = readFileSync(join(root, CONF), 'latin1').replace(/^BLOCK_(TCP|UDP)="0"/gm, 'BLOCK_$1="1"')
  writeFileSync(join(root, CONF), edit(conf), 'latin1')
  writeFileSync(join(root, IGNORE), '# the LAN\n192.168.1.0/24\n198.51.100.7/32\n')
  return root
}

/** A server with portsentry 2.x and these lines in portsentry.conf. */
const server2 = (conf: string, ignore = '192.168.1.0/24\n'): string => {
  const root = temporaryDirectory()
  writeInto(root, {
    ...DPKG_2,
    'etc/portsentry/portsentry.ignore': ignore,
    [CONF]: `IGNORE_FILE="/etc/portsentry/portsentry.ignore"\n${conf}`,
  })
  return root
}

/** Starts the command in this process; `texts` has what it has written so far. */
const start = (options: Partial<DetectOptions>) => {
  const { terminal, texts } = createTerminal()
  return { texts, status: detectCommand({ terminal, root: '/', color: false, ...options }) }
}

const detect = async (options: Partial<DetectOptions>) => {
  const { texts, status } = start(options)
  return { status: await status, ...texts() }
}

it('says which hosts would be blocked, and which are ignored because of which line', async () => {
  const root = server12()
  const { status, stdout, stderr } = await detect({ root, pcap: SCAN, inUse: '22,80' })
  expect(status).toBe(0)
  expect(stderr).toBe('')
  const [events = '', summary = ''] = stdout.split('\n\n')
  expect(events).toMatch(
    /^2026-11-2\d \d\d:00:00 [+-]\d{4} 203\.0\.113\.9 TCP SYN\/Normal scan, port 11 \(atcp\): would be blocked; KILL_HOSTS_DENY: ALL: 203\.0\.113\.9 : DENY - would be written; KILL_ROUTE: \/sbin\/route add -host 203\.0\.113\.9 reject - would run$/m,
  )
  expect(summary.split('\n')).toEqual([
    '203.0.113.9: noticed 5 times: would be blocked by atcp; 4 times already blocked',
    '    TCP SYN/Normal scan; ports 11/tcp, 23/tcp, 79/tcp, 111/tcp, 143/tcp',
    '    KILL_HOSTS_DENY: ALL: 203.0.113.9 : DENY - would be written',
    '    KILL_ROUTE: /sbin/route add -host 203.0.113.9 reject - would run',
    '198.51.100.23: noticed 4 times: would be blocked by atcp and audp; 2 times already blocked',
    '    TCP FIN scan, TCP NULL scan, TCP XMAS scan, UDP scan; ports 15/tcp, 79/tcp, 119/tcp, 161/udp',
    '    KILL_HOSTS_DENY: ALL: 198.51.100.23 : DENY - would be written',
    '    KILL_ROUTE: /sbin/route add -host 198.51.100.23 reject - would run',
    `192.168.1.55: noticed 5 times: ignored by ${root}/${IGNORE}:2 (192.168.1.0/24)`,
    '    TCP SYN/Normal scan; ports 11/tcp, 23/tcp, 79/tcp, 111/tcp, 143/tcp',
    `198.51.100.7: noticed 2 times: ignored by ${root}/${IGNORE}:3 (198.51.100.7/32)`,
    '    TCP SYN/Normal scan; ports 11/tcp, 143/tcp',
    'frames not decoded: 2 of other protocols',
    '',
  ])
})

it('prints one JSON document a line', async () => {
  const { stdout } = await detect({ root: server12(), pcap: SCAN, inUse: '22,80', json: true })
  const documents = documentsOf(stdout)
  for (const document of documents) expect(document).toMatchObject({ version: 3, command: 'detect' })
  expect(documents.map(({ event }) => event)).toEqual([...Array(16).fill('decision'), 'summary'])
  expect(documents[0]).toMatchObject({
    host: '203.0.113.9',
    port: 11,
    verdict: 'act',
    actions: [{ option: 'KILL_HOSTS_DENY', result: 'assumed' }, { option: 'KILL_ROUTE' }],
    history: expect.stringMatching(/Host: 203\.0\.113\.9\/203\.0\.113\.9 Port: 11 TCP Blocked$/),
  })
  expect(documents.at(-1)).toMatchObject({
    acted: false,
    eventsLeftOut: 0,
    fault: null,
    frames: { otherProtocol: 2 },
  })
})

it('says only what it would do with --quiet, beside the summary', async () => {
  const { stdout } = await detect({ root: server12(), pcap: SCAN, inUse: '22,80', quiet: true })
  expect(stdout.split('\n\n')[0]?.split('\n')).toHaveLength(3)
})

it('says nothing but the summary with --summary', async () => {
  const options = { root: server12(), pcap: SCAN, inUse: '22,80' }
  const { stdout } = await detect({ ...options, summary: true })
  expect(stdout).toBe(`${(await detect(options)).stdout.split('\n\n')[1]}`)
  const documents = documentsOf((await detect({ ...options, summary: true, json: true })).stdout)
  expect(documents.map(({ event }) => event)).toEqual(['summary'])
})

it('writes events together, 64 kB at a time', async () => {
  const path = join(temporaryDirectory(), 'flood.pcap')
  const syn = ipv4(tcp(40_000, 11))
  writeFileSync(path, pcap(Array<{ bytes: Uint8Array }>(10_000).fill({ bytes: syn }), { linkType: 101 }))
  const { terminal, texts, writes } = createTerminal()
  await detectCommand({ terminal, root: server12(), color: false, pcap: path })
  const { stdout } = texts()
  expect(stdout.match(/already blocked$/gm)?.length).toBeGreaterThan(9_900)
  expect(writes().length).toBeLessThan(stdout.length / 65_536 + 5)
})

it.each<[Partial<DetectOptions>, string]>([
  [{}, '203.0.113.9: noticed 7 times'],
  [{ inUse: '22/tcp' }, '203.0.113.9: noticed 6 times'],
  [{ inUse: '22/udp, 80' }, '203.0.113.9: noticed 6 times'],
  [{ mode: ['stcp'] }, '203.0.113.9: noticed 4 times'],
  [{ mode: ['udp', 'tcp'] }, '198.51.100.23: noticed once'],
  [{ mode: ['audp'], address: '192.168.1.10,fd00::1' }, '198.51.100.23: noticed once'],
  [{ address: '192.168.1.11' }, 'no scan was noticed'],
])('goes by the options: %j', async (options, expected) => {
  const { stdout } = await detect({ root: server12(), pcap: SCAN, ...options })
  expect(stdout).toContain(expected)
})

it.each<[Partial<DetectOptions>, RegExp]>([
  [{}, /one of --listen/],
  [{ listen: true, pcap: SCAN }, /one of --listen/],
  [{ interface: 'eth0', inUse: '22' }, /go with --pcap/],
  [{ interface: '' }, /needs a name/],
  [{ pcap: SCAN, mode: ['frob'] }, /modes of this portsentry/],
  [{ pcap: SCAN, mode: ['stealth'] }, /modes of this portsentry/],
  [{ pcap: SCAN, method: 'raw' }, /stealth of portsentry 2/],
  [{ pcap: SCAN, inUse: '22/icmp' }, /--in-use/],
  [{ pcap: SCAN, inUse: '70000' }, /--in-use/],
  [{ pcap: SCAN, address: 'server' }, /--address/],
  [{ listen: true, dryRun: true }, /open no ports: add --mode tcp/],
])('refuses %j', async (options, message) => {
  const { status, stdout, stderr } = await detect({ root: server12(), ...options })
  expect(status).toBe(64)
  expect(stdout).toBe('')
  expect(stderr).toMatch(message)
})

it('takes the modes of config.env, and atcp and audp where there is none', async () => {
  const root = server12()
  const config = join(root, 'root/config.env')
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, `${text}TCP_MODE=\nUDP_MODE=sudp\n`)
  expect((await detect({ root, pcap: SCAN })).stdout).not.toMatch(/tcp/)
  rmSync(config)
  expect((await detect({ root, pcap: SCAN })).stdout).toMatch(/\(atcp\)[\s\S]*\(audp\)/)
  writeFileSync(config, 'TCP_MODE=frob\n')
  const { status, stderr } = await detect({ root, pcap: SCAN })
  expect(status).toBe(78)
  expect(stderr).toMatch(/config\.env:1: TCP_MODE/)
})

it('reads the ignore list that the daemon reads, once it is built', async () => {
  const root = server12()
  writeFileSync(join(root, 'etc/portsentry/portsentry.ignore'), '203.0.113.9\n')
  const { stdout } = await detect({ root, pcap: SCAN, inUse: '22,80' })
  expect(stdout).toMatch(/203\.0\.113\.9: noticed 5 times: ignored by \S+portsentry\.ignore:1/)
  expect(stdout).toMatch(
    /192\.168\.1\.55: noticed 5 times: would be blocked by atcp; 4 times already blocked/,
  )
})

it.each<[string, () => string, RegExp]>([
  [
    'a key is missing',
    () => server12((conf) => conf.replace(/^HISTORY_FILE.*/m, '')),
    /portsentry\.conf: no HISTORY_FILE/,
  ],
  ['a line is refused', () => server2('TCP_PORTS=""\n'), /portsentry\.conf:2: portsentry does not start/],
  [
    'the ignore list is bad',
    () => server2('TCP_PORTS="11"\n', '192.168.1.0/255.255.255.0\n'),
    /portsentry\.ignore:1: .*does not start/,
  ],
])('fails where the daemon does not start: %s', async (_title, tree, message) => {
  const { status, stderr, stdout } = await detect({ root: tree(), pcap: SCAN, json: true })
  expect(status).toBe(1)
  expect(stderr).toMatch(message)
  expect(documentOf(stdout)).toMatchObject({
    event: 'error',
    problems: expect.arrayContaining([expect.objectContaining({ severity: 'error' })]),
  })
})

it('reads a damaged capture as far as it goes, and says where it ends', async () => {
  const path = join(temporaryDirectory(), 'cut.pcap')
  const whole = readFileSync(SCAN)
  writeFileSync(path, whole.subarray(0, whole.length - 5))
  const { status, stdout, stderr } = await detect({ root: server12(), pcap: path })
  expect(status).toBe(1)
  expect(stdout).toMatch(/203\.0\.113\.9: noticed/)
  expect(stderr).toMatch(/cut\.pcap: byte \d+: the capture ends within a record/)
})

it.each<[what: string, root: () => string, said: RegExp]>([
  ['portsentry 1.2, which gets whole packets, says nothing', server12, /no scan was noticed/],
  [
    'portsentry 2.x has the first fragment',
    () => server2('TCP_PORTS="11"\n'),
    /203\.0\.113\.9: noticed once/,
  ],
])('says that it does not reassemble fragments: %s', async (_, root, said) => {
  const path = join(temporaryDirectory(), 'fragments.pcap')
  const [head, rest] = [ipv4(tcp(40_000, 11), { more: true }), ipv4(payload(6, [1]), { offset: 24 })]
  writeFileSync(path, pcap([{ bytes: head }, { bytes: rest }], { linkType: 101 }))
  const { status, stdout } = await detect({ root: root(), pcap: path })
  expect(status).toBe(0)
  expect(stdout).toMatch(said)
  expect(stdout).toMatch(/^2 IP fragments were not reassembled: .* at most the first fragment was examined$/m)
})

it.each<[Partial<DetectOptions>, RegExp]>([
  [{ pcap: '/nonexistent.pcap' }, /cannot read \/nonexistent\.pcap: ENOENT/],
  [{ interface: 'lo' }, /the commands of a tree/],
])('cannot do %j', async (options, message) => {
  await expect(detect({ root: server12(), ...options })).rejects.toThrow(message)
  const { status, stdout } = await detect({ root: server12(), ...options, json: true })
  expect(status).toBe(1)
  expect(documentOf(stdout)).toMatchObject({
    version: 3,
    event: 'error',
    error: { message: expect.stringMatching(message) },
  })
})

it.each<[Partial<DetectOptions>, number, string]>([
  [{ pcap: SCAN, root: '/proc' }, 1, 'portsentry is not installed in this tree'],
  [{ pcap: SCAN, config: '/nonexistent' }, 78, 'does not exist'],
])('refuses %j', async (options, exitCode, message) => {
  const { status, stderr } = await detect({ root: server12(), ...options })
  expect(status).toBe(exitCode)
  expect(stderr).toContain(`: ${message} — `)
  const { stdout } = await detect({ root: server12(), ...options, json: true })
  expect(documentOf(stdout)).toMatchObject({ event: 'error', problems: [{ message }] })
})

it('shows no control character of a file to the terminal', async () => {
  const root = server2('TCP_PORTS="11"\nBLOCK_TCP="1"\nKILL_ROUTE="echo \x1b[2J\xc3\xa9 $TARGET$"\n')
  const { stdout } = await detect({ root, pcap: SCAN, inUse: '22,80' })
  expect(stdout).toContain('KILL_ROUTE: echo ^[[2Jé 203.0.113.9 - would run')
  expect(stdout).not.toContain('\x1b')
})

/** Connects from a loopback address, and returns what the port sends. */
const heard = async (port: number, localAddress: string): Promise<string> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).setEncoding('latin1')
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

it.each([
  ['1.2', 'tcp', '    TCP Connect; ports'],
  ['2.x', 'connect', '    TCP Connect; ports'],
])('listens, sends the banner to who is noticed, and ends in order: %s', async (dialect, mode, scan) => {
  const taken = createServer().listen(0, '::')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port: inUse } = taken.address() as AddressInfo
  const port = await freePort()
  const lines = `TCP_PORTS="${inUse},${port}"\nPORT_BANNER="go away"\nSCAN_TRIGGER="2"\nBLOCK_TCP="1"\nKILL_ROUTE="x $TARGET$"\n`
  const root =
    dialect === '1.2'
      ? server12((conf) => `${lines}${conf}`)
      : server2(`${lines}HISTORY_FILE="/history"\n`, '127.0.0.3\n')
  writeFileSync(join(root, 'etc/portsentry/portsentry.ignore'), '127.0.0.3\n')
  const { texts, status } = start({ root, listen: true, mode: [mode], dryRun: true })
  await expect.poll(() => texts().stderr, { timeout: 20_000 }).toMatch(/listening on/)
  expect(texts().stderr).toContain(`${inUse}/tcp could not be bound: EADDRINUSE`)
  expect(texts().stderr.includes(`${port}/tcp is reported as port ${inUse}`)).toBe(dialect === '1.2')
  expect(await heard(port, '127.0.0.2')).toBe('')
  expect(await heard(port, '127.0.0.2')).toBe('go away')
  expect(await heard(port, '127.0.0.3')).toBe('')
  process.emit('SIGTERM')
  expect(await status).toBe(0)
  expect(texts().stdout).toContain(
    '127.0.0.2: noticed 2 times: once below SCAN_TRIGGER; would be blocked by ',
  )
  expect(texts().stdout).toContain(`${scan} ${port}/tcp`)
  expect(texts().stdout).toMatch(/127\.0\.0\.3: noticed once: ignored by/)
})
