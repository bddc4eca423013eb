import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, test } from 'vitest'
import { checkout } from '../checkout.ts'
import { quote } from '../e2e/harness/shell.ts'
import { fixtures } from '../tree.ts'
import { compare, skip } from './compare.ts'

const PART = 'One edit in a long list'
const PORTWARD = join(checkout, 'bin/portward')

/** Another way to insert a line at the end: reads the file, looks for the line, writes a file. No sync, no copy of the old one. */
const NODE = `
  const fs = require('node:fs')
  const [path, line, output] = process.argv.slice(1)
  const text = fs.readFileSync(path, 'latin1')
  const at = text.indexOf(line)
  fs.writeFileSync(output, at === -1 ? text + line : text.slice(0, at) + text.slice(at + line.length), 'latin1')
`

/** What has taken so long is not waited for. */
const PATIENCE_S = 60

interface List {
  readonly path: string
  /** For the host with this number. */
  readonly line: (host: string) => string
  /** What the others insert. */
  readonly inserted: string
  /** For augtool: its lens, and the nodes of the inserted line. */
  readonly lens: string
  readonly nodes: readonly (readonly [name: string, value: string])[]
}

const wrapper = {
  lens: 'Hosts_Access',
  nodes: [
    ['/process', 'ALL'],
    ['/client', '192.168.1.0'],
    ['/client/netmask', '255.255.255.0'],
  ],
  inserted: 'ALL: 192.168.1.0/255.255.255.0',
} as const

const LISTS: readonly List[] = [
  { ...wrapper, path: '/etc/hosts.allow', line: (host) => `sshd: ${host}` },
  { ...wrapper, path: '/etc/hosts.deny', line: (host) => `ALL: ${host} : DENY` },
  {
    path: '/etc/portsentry/portsentry.ignore.static',
    line: (host) => host,
    inserted: '192.168.1.0/24',
    lens: 'Simplelines',
    nodes: [['', '192.168.1.0/24']],
  },
]

const hostAt = (index: number): string =>
  [11 + (index >> 16), (index >> 8) & 255, (index * 7) & 255, 1 + (index % 250)].join('.')

const directory = mkdtempSync(join(tmpdir(), 'portward-bench-'))
afterAll(() => rmSync(directory, { recursive: true }))
const synced = join(directory, 'synced')
const portward = (tree: string, command: string): string =>
  `${quote(PORTWARD)} --root ${quote(tree)} --release sysv-1.2 ${command}`

// A copy of /etc, without what dpkg would say: sshd is taken to use hosts.allow and hosts.deny.
beforeAll(async () => {
  for (const part of ['etc', 'root'])
    cpSync(join(fixtures, 'sample-server', part), join(synced, part), { recursive: true })
  await execa('sh', ['-c', portward(synced, 'apply --yes')])
})

/** Whether a command is done in time. */
const isQuick = async (command: string): Promise<boolean> => {
  const { exitCode } = await execa('timeout', [`${PATIENCE_S}`, 'sh', '-c', command], { reject: false })
  return exitCode !== 124
}

test.each(LISTS.flatMap((list) => [100_000, 1_000_000].map((lines) => ({ ...list, lines }))))(
  '$path, $lines lines',
  { timeout: 3_600_000 },
  async ({ path, line, inserted, lens, nodes, lines }) => {
    const tree = join(directory, 'tree')
    rmSync(tree, { recursive: true, force: true })
    cpSync(synced, tree, { recursive: true })
    const [given, file] = [join(directory, 'given'), join(tree, path)]
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(given, Array.from({ length: lines }, (_, index) => `${line(hostAt(index))}\n`).join(''))
    const before = `cp ${quote(given)} ${quote(file)}`
    const megabytes = statSync(given).size / 1e6

    const script = join(directory, 'commands.aug')
    const at = `/files${path}/${lines + 1}`
    writeFileSync(script, [...nodes.map(([name, value]) => `set ${at}${name} ${value}\n`), 'save\n'].join(''))
    const others = [
      {
        name: 'ansible lineinfile',
        run: `ansible localhost -c local -m lineinfile -a ${quote(`path=${file} line='${inserted}'`)}`,
      },
      {
        name: 'augtool',
        run: `augtool --noautoload --root ${quote(tree)} --transform '${lens} incl ${path}' -f ${quote(script)}`,
      },
    ]
    const name = `${path.replace(/.*\//, '')} of ${lines.toLocaleString('en')} lines`
    const slower = []
    for (const other of others) {
      await execa('sh', ['-c', before])
      if (await isQuick(other.run))
        slower.push({ ...other, before, marks: { time: { ratio: 1 }, processor: { ratio: 1 } } })
      else skip(PART, name, `${other.name} had not ended after ${PATIENCE_S} s`)
    }
    const node = ['node', '-e', NODE, file, `${inserted}\n`, join(directory, 'output')].map(quote).join(' ')
    for (const [command, exitCode] of [
      ['plan', 2],
      ['apply --yes', 0],
    ] as const) {
      await compare({
        part: PART,
        work: `${command.split(' ', 1)}, ${name}`,
        own: { run: portward(tree, command), before, exitCode },
        peers: [
          {
            name: 'node reads and writes it',
            run: node,
            before,
            marks: { time: { ratio: 2 }, processor: { ratio: 2 }, memory: {} },
          },
          { name: 'node -e 0', run: 'node -e 0', marks: { memory: { difference: 6 * megabytes } } },
          ...slower,
        ],
        remark:
          'the memory of six times the file is allowed beside that of node; apply also copies and syncs, so that it can be undone',
      })
    }
  },
)
