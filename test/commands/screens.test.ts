import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyOf, fixtures, temporaryDirectory, writeInto } from '../tree.ts'
import { blockedServer } from './blocked-server.ts'
import { portward, portwardOnScreen, type Result } from './in-process.ts'

// What every read-only command shows on a screen. plan is left out: its diffs are lines of files, which are not wrapped.

const LONG = '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'

/** Bans and scans of portsentry 2.x, and of a protected host. */
const banned = (): string =>
  blockedServer(
    ['203.0.113.9', LONG],
    ['KILL_ROUTE="/usr/sbin/ip6tables -I INPUT -s $TARGET$ -j DROP -m comment --comment by-portsentry-here"'],
    {
      'var/log/portsentry.log': `2026-11-21T19:16:32.123+0100 Scan from: [${LONG}] (${LONG}) protocol: [TCP] port: [65535] type: [TCP SYN/Normal scan] IP opts: [not set] ignored: [false] triggered: [true] noblock: [false] blocked: [true]\n`,
      'etc/hosts.deny': `ALL: ${LONG} : DENY\nALL: 192.168.1.30\n`,
    },
  )

const wrong = (): string => {
  const root = banned()
  const value = `LAN_NM=${'0'.repeat(90)}`
  writeInto(root, { 'root/config.env': `LAN_IP=192.168.1.500\n${value}\nMODES="sideways"\n` })
  return root
}

const TREES: Readonly<Record<string, () => string>> = {
  'a tutorial server': () => copyOf(join(fixtures, 'sample-server')),
  'a server with bans': banned,
  'a wrong config.env': wrong,
  'an empty tree': temporaryDirectory,
}

const PCAP = join(fixtures, 'scan.pcap')

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--check'],
  ['bans'],
  ['explain', '192.0.2.1'],
  ['explain', '192.168.1.30'],
  ['explain', LONG],
  ['verify'],
  ['detect', '--pcap', PCAP],
  ['detect', '--pcap', PCAP, '--summary'],
]

/** Without the line that only people get. */
const wordsOf = (text: string): string =>
  text
    .split(/\s+/)
    .join(' ')
    .replace(/portward explain-problem \S[^:]* says more $/, '')

/** Lines that are wider than the screen although they could have been broken: a topic may stand before a long word. */
const tooWide = (text: string, columns: number): string[] =>
  text.split('\n').filter((line) => [...line].length > columns && !/^ *(?:\S+ {2,}|→ )?\S+$/.test(line))

const ESCAPE = /\u001b/
const CONTROL = /[^\n -~\u00a1-\uffff]/

describe.each(Object.keys(TREES))('of %s', (name) => {
  const on = async (
    tree: string,
    columns: number,
    env: Record<string, string>,
    command: readonly string[],
  ) => {
    const shown = await portwardOnScreen(columns, env, '--root', tree, ...command)
    return { ...shown, all: [shown.stdout, shown.stderr] }
  }

  it.each(COMMANDS.map((command) => [command.join(' ').replace(PCAP, 'FILE'), command] as const))(
    '%s fits, and has the same words on every screen',
    async (_, command) => {
      const tree = TREES[name]?.() ?? ''
      const plain: Result = await portward('--root', tree, ...command)
      for (const columns of [80, 200]) {
        const { all, status, stdout, stderr } = await on(tree, columns, { NO_COLOR: '1' }, command)
        expect(all.flatMap((text) => tooWide(text, columns))).toEqual([])
        expect(all.join('')).not.toMatch(CONTROL)
        expect([status, wordsOf(stdout), wordsOf(stderr)]).toEqual([
          plain.status,
          wordsOf(plain.stdout),
          wordsOf(plain.stderr),
        ])
        const inC = await on(tree, columns, { NO_COLOR: '1', LC_ALL: 'C' }, command)
        expect(inC.all.join('')).toMatch(/^[\n -~]*$/)
      }
    },
  )

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }, []],
    ['TERM=dumb', { TERM: 'dumb' }, []],
    ['--no-color', {}, ['--no-color']],
  ] as const)('is without escape sequences with %s, and has them else', async (_, env, more) => {
    const tree = TREES[name]?.() ?? ''
    for (const command of [['status'], ['bans'], ['verify']]) {
      const [colored, plain] = [
        await on(tree, 80, {}, command),
        await on(tree, 80, env, [...command, ...more]),
      ]
      expect(plain.all.join('')).not.toMatch(ESCAPE)
      const withoutEscapes = colored.all.map((text) => text.replace(/\u001b\[\d+m/g, ''))
      expect(withoutEscapes).toEqual(plain.all)
    }
    expect((await on(tree, 80, {}, ['status'])).all.join('')).toMatch(ESCAPE)
  })
})
