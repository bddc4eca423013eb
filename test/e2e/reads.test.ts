import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, portward, provide } from './scenario.ts'

/** What a run of portward looked at: files that its own process opened, and commands that it started. */
interface Reads {
  readonly files: readonly string[]
  readonly commands: readonly string[]
}

/** Opened by node itself, by its libraries, or to find out about this very process. */
const NOT_OF_THE_SERVER =
  /^(?:\/usr\/(?:lib|local|share)|\/lib|\/dev|\/sys\/fs\/cgroup\/|\/proc\/(?:self|thread-self|sys|version|meminfo|stat|cpuinfo|filesystems)\b|\/etc\/(?:ld\.so|ssl|localtime|nsswitch)|\/tmp\/portward-)/

/** A process with its threads, by the clone calls of a trace: glibc starts threads with clone3, node its children with clone. */
const threadsOf = (trace: string, pid: string): Set<string> => {
  const threads = new Set([pid])
  const calls = /^(\d+) +(?:clone3\(|<\.\.\. clone3 resumed>).* = \d+ \/\* (\d+) in strace's PID NS \*\/$/gm
  for (const [, parent = '', thread = ''] of trace.matchAll(calls))
    if (threads.has(parent)) threads.add(thread)
  return threads
}

const readTrace = (trace: string): Reads => {
  const [, pid = ''] = /^(\d+) +execve\("[^"]*\/node", \["[^"]*node", "[^"]*portward\.mjs"/m.exec(trace) ?? []
  const own = threadsOf(trace, pid)
  const started = /^(\d+) +(?:clone\(|<\.\.\. clone resumed>).* = \d+ \/\* (\d+) in strace's PID NS \*\/$/gm
  const children = new Set(
    [...trace.matchAll(started)].flatMap(([, parent = '', child = '']) => (own.has(parent) ? [child] : [])),
  )
  const files = [...trace.matchAll(/^(\d+) +openat\(AT_FDCWD, "([^"]+)", ([A-Z_|]+).*\) = \d+$/gm)]
    .filter(([, thread = '', path = '']) => own.has(thread) && !NOT_OF_THE_SERVER.test(path))
    .filter(([, , , flags = '']) => !/O_WRONLY|O_RDWR|O_CREAT/.test(flags))
    .map(([, , path = '']) => path)
  const commands = [...trace.matchAll(/^(\d+) +execve\("[^"]+", \[(.*)\], 0x.*\) = 0$/gm)]
    .filter(([, child = '']) => children.delete(child))
    .map(([, , words = '']) =>
      words.replace(/"\\"\\"\\"[^,]*/, '').replace(/"-c", "(?:[^"\\]|\\.)*"\.*/, '-c …'),
    )
  return { files, commands }
}

const twice = (items: readonly string[]): string[] =>
  [...new Set(items.filter((item, index) => items.indexOf(item) !== index))].sort()

describeServers('portward looks at each thing once', () => {
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

  it.each(['plan', 'status', 'bans', `explain ${addresses.attacker.v4}`, 'verify'])(
    'portward %s',
    async (command) => {
      const options = [
        '-f',
        '-z',
        '--decode-pids=pidns',
        '-s',
        '400',
        '-e',
        'trace=execve,openat,clone,clone3',
      ]
      const path = join(directory, 'trace')
      await execa(
        'strace',
        [
          ...options,
          '-o',
          path,
          'nsenter',
          '-t',
          String(server.leader()),
          '-a',
          'portward',
          ...command.split(' '),
        ],
        { reject: false },
      )
      if (process.env['SHOW'])
        await import('node:fs').then((fs) =>
          fs.copyFileSync(path, `/work/notes/reads-${command.split(' ')[0]}.txt`),
        )
      const { files, commands } = readTrace(await readFile(path, 'utf8'))
      if (process.env['SHOW'])
        console.log(command, {
          files: twice(files),
          commands: twice(commands),
          n: files.length,
          c: commands.length,
        })
      else expect({ files: twice(files), commands: twice(commands) }).toEqual({ files: [], commands: [] })
    },
  )
})
