import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixtures } from '../tree.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, portward, provide } from './scenario.ts'

/** What a run of portward read: files that its own process opened, and commands that it started. */
interface Reads {
  readonly files: readonly string[]
  readonly commands: readonly string[]
}

/** Opened by node itself, by its libraries, or about this very process. */
const NOT_OF_THE_SERVER =
  /^(?:\/usr\/(?:lib|local|share)|\/lib|\/dev|\/sys\/fs\/cgroup\/|\/proc\/(?:self|thread-self|sys|version|meminfo|stat|cpuinfo|filesystems)\b|\/etc\/(?:ld\.so|ssl|localtime|nsswitch)|\/tmp\/portward-)/

/** A process with its threads: glibc starts threads with clone3, node its children with clone. */
const threadsOf = (trace: string, pid: string): Set<string> => {
  const threads = new Set([pid])
  const calls = /^(\d+) +(?:clone3\(|<\.\.\. clone3 resumed>).* = \d+ \/\* (\d+) in strace's PID NS \*\/$/gm
  for (const [, parent = '', thread = ''] of trace.matchAll(calls))
    if (threads.has(parent)) threads.add(thread)
  return threads
}

/** Processes that one of these threads has started. */
const childrenOf = (trace: string, threads: ReadonlySet<string>): Set<string> => {
  const calls =
    /^(\d+) +(?:v?fork\(|clone\(|<\.\.\. (?:v?fork|clone) resumed>).* = \d+ \/\* (\d+) in strace's PID NS \*\/$/gm
  return new Set(
    [...trace.matchAll(calls)].flatMap(([, parent = '', child = '']) => (threads.has(parent) ? [child] : [])),
  )
}

const parseTrace = (trace: string): Reads => {
  const [, pid = ''] = /^(\d+) +execve\("[^"]*\/node", \["[^"]*node", "[^"]*cli\.cjs"/m.exec(trace) ?? []
  const threads = threadsOf(trace, pid)
  const children = childrenOf(trace, threads)
  // One shell runs programs for node.
  for (const [, shell = ''] of trace.matchAll(/^(\d+) +execve\("[^"]+", \["sh"\],/gm))
    if (children.has(shell)) for (const child of childrenOf(trace, new Set([shell]))) children.add(child)
  const opened = [...trace.matchAll(/^(\d+) +openat\(AT_FDCWD, "([^"]+)", ([A-Z_|]+).*\) = \d+$/gm)]
  const started = [...trace.matchAll(/^(\d+) +execve\("[^"]+", \[(.*)\], 0x.*\) = 0$/gm)]
  return {
    files: opened
      .filter(([, thread = '', path = '']) => threads.has(thread) && !NOT_OF_THE_SERVER.test(path))
      // Node opens files with O_CLOEXEC; its DNS library reads resolv.conf for itself, without.
      .filter(([, , , flags = '']) => /O_CLOEXEC/.test(flags) && !/O_WRONLY|O_RDWR|O_CREAT/.test(flags))
      .map(([, , path = '']) => path),
    // What a child executes itself, not what that starts in turn.
    commands: started
      // The shells that only run others are not of interest.
      .filter(([, child = '', words]) => children.delete(child) && words !== '"sh"')
      .map(([, , words = '']) => words.replace(/"-c", "(?:[^"\\]|\\.)*"(?:\.\.\.)?/, '"-c"')),
  }
}

/** A daemon that waits for its disk is looked at until it does not. */
const isPolled = (path: string): boolean => /^\/proc\/\d+\/stat$/.test(path)

const repeated = (items: readonly string[]): string[] =>
  [...new Set(items.filter((item, index) => items.indexOf(item) !== index))].sort()

const STRACE = [
  '-f',
  '-z',
  '--decode-pids=pidns',
  '-s',
  '400',
  '-e',
  'trace=execve,openat,clone,clone3,vfork',
]

describeServers('a command reads each file and runs each program once', () => {
  let server: Server
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'portward-reads-'))
    server = await startServer({ suite: 'bookworm', floor: 'installed' })
    await provide(server)
    await portward(server, 'apply --yes', 0)
    await expectBanned(server)
  })
  afterAll(async () => {
    await server?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const CONF = '/etc/portsentry/portsentry.conf'

  it.each([
    ['plan', CONF, 7],
    ['status', CONF, 7],
    ['bans', CONF, 7],
    [`explain ${addresses.attacker.v4}`, CONF, 7],
    ['verify', CONF, 7],
    ['metrics', CONF, 8],
    // The bans of fail2ban's database need one.
    ['report', CONF, 1],
    // These two look at files only.
    ['detect --pcap -', CONF, 0],
    ['generations', '/var/lib/portward/generations/1/generation.json', 0],
  ] as const)('portward %s', async (command, file, programs) => {
    const path = join(directory, 'trace')
    const inside = ['nsenter', '-t', String(server.leader()), '-a', 'portward', ...command.split(' ')]
    const { exitCode } = await execa('strace', [...STRACE, '-o', path, ...inside], {
      reject: false,
      inputFile: join(fixtures, 'scan.pcap'),
    })
    expect(exitCode).toBe(0)
    const { files, commands } = parseTrace(await readFile(path, 'utf8'))
    expect(files).toContain(file)
    expect(commands.length).toBeGreaterThanOrEqual(programs)
    // An hourly plan has to cost next to nothing.
    if (command === 'plan') expect(commands.length).toBeLessThanOrEqual(8)
    expect({
      files: repeated(files.filter((path) => !isPolled(path))),
      commands: repeated(commands),
    }).toEqual({ files: [], commands: [] })
  })

  it('keeps compiled code of an apply for later runs, which do without it as well', async () => {
    const CACHE = '/var/cache/portward/code-cache'
    const attributes = async () => (await server.run(`stat -c '%U %a %s' ${CACHE}`)).stdout
    const whole = await attributes()
    expect(whole).toMatch(/^root 644 \d{6,}$/)
    await server.run(`printf 'no code' >${CACHE}`)
    await portward(server, 'plan', 0)
    expect(await attributes()).toBe('root 644 7')
    await portward(server, 'apply --yes', 0)
    expect(await attributes()).toMatch(/^root 644 \d{6,}$/)
    await server.run(`chown nobody ${CACHE}`)
    await portward(server, 'plan', 0)
  })
})
