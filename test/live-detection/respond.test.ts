import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Action } from '../../src/detector/decision.ts'
import type { Dialect } from '../../src/documents/portsentry-conf.ts'
import { perform } from '../../src/live-detection/respond.ts'
import { temporaryDirectory } from '../tree.ts'

const command = (text: string): Action => ({ kind: 'command', option: 'KILL_ROUTE', command: text })

it.each([
  ['true', 'done', 0, ''],
  ['echo one; echo two', 'done', 0, 'two'],
  ['echo kept >&2', 'done', 0, 'kept'],
  [
    'echo out; echo iptables: No chain by that name. >&2; exit 3',
    'failed',
    3,
    'iptables: No chain by that name.',
  ],
  ['echo said; echo; echo " "; exit 1', 'failed', 1, 'said'],
  ['/no/such/program', 'failed', 127, expect.stringMatching(/not found/)],
  ['kill -TERM $$', 'failed', 143, 'killed by SIGTERM'],
  ['pwd', 'done', 0, '/'],
  ['umask', 'done', 0, '0077'],
  ['cat; echo end', 'done', 0, 'end'],
  [`printf '\\033[31mred\\007\\n'`, 'done', 0, '?[31mred?'],
  [`echo 'a\\0101 100% "$HOME" \xc3\xa9'`, 'done', 0, expect.stringMatching(/100% "\$HOME" \xe9$/)],
  ['head -c 1000000 /dev/zero | tr "\\0" x; echo; echo last', 'done', 0, 'last'],
  ['echo before; sleep 30 & echo after', 'done', 0, 'after'],
] as const)('runs %j: %s', async (text, result, exitCode, message) => {
  const action = command(text)
  expect(await perform(action, { root: '/', dialect: '1.2' })).toEqual({ action, result, exitCode, message })
})

it('ends a command that takes too long, with what it started', async () => {
  const mark = join(temporaryDirectory(), 'pid')
  const text = `sh -c 'echo $$ >${mark}; sleep 600' & sleep 600`
  const outcome = await perform(command(text), { root: '/', dialect: '1.2', timeoutMs: 3000 })
  expect(outcome).toMatchObject({
    result: 'failed',
    exitCode: 137,
    message: expect.stringMatching(/within 3 s/),
  })
  const pid = readFileSync(mark, 'utf8').trim()
  await expect.poll(() => existsSync(`/proc/${pid}/cwd`), { timeout: 20_000 }).toBe(false)
})

it('does not do what the daemon cannot do, and says why', async () => {
  const action: Action = { kind: 'impossible', option: 'KILL_ROUTE', reason: 'no $TARGET$' }
  expect(await perform(action, { root: '/', dialect: '2.x' })).toEqual({
    action,
    result: 'not-run',
    exitCode: null,
    message: 'no $TARGET$',
  })
})

const LINE = 'ALL: 203.0.113.9 : DENY'

const deny = async (root: string, dialect: Dialect) => {
  const action: Action = { kind: 'hosts-deny', option: 'KILL_HOSTS_DENY', line: LINE }
  const { result, exitCode, message } = await perform(action, { root, dialect })
  expect(exitCode).toBeNull()
  return { result, message }
}

/** A tree with this hosts.deny, or none. */
const tree = (text: string | null): { root: string; path: string } => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc'))
  const path = join(root, 'etc/hosts.deny')
  if (text !== null) writeFileSync(path, text, 'latin1')
  return { root, path }
}

const GLUED = expect.stringMatching(/did not end with a newline/)
const long = 'x'.repeat(1023)

it.each<[Dialect, string | null, string | null, string, unknown]>([
  ['1.2', null, `${LINE}\n`, 'done', ''],
  ['1.2', '', `${LINE}\n`, 'done', ''],
  ['1.2', '# caf\xe9\n', `# caf\xe9\n${LINE}\n`, 'done', ''],
  ['1.2', '# unfinished', `# unfinished${LINE}\n`, 'done', GLUED],
  ['1.2', `${LINE}\n`, `${LINE}\n${LINE}\n`, 'done', ''],
  ['2.x', null, null, 'failed', expect.stringMatching(/ENOENT/)],
  ['2.x', '', `${LINE}\n`, 'done', ''],
  ['2.x', '# caf\xe9\n', `# caf\xe9\n${LINE}\n`, 'done', ''],
  ['2.x', '# unfinished', `# unfinished${LINE}\n`, 'done', GLUED],
  ['2.x', `a\n${LINE}\nb\n`, `a\n${LINE}\nb\n`, 'done', ''],
  ['2.x', `a\n${LINE}`, `a\n${LINE}`, 'done', ''],
  ['2.x', `${LINE}\r\n`, `${LINE}\r\n${LINE}\n`, 'done', ''],
  ['2.x', `${long}\n${LINE}\n`, `${long}\n${LINE}\n${LINE}\n`, 'done', ''],
])('enters a line as %s does into %j', async (dialect, before, after, result, message) => {
  const { root, path } = tree(before)
  expect(await deny(root, dialect)).toEqual({ result, message })
  expect(existsSync(path) ? readFileSync(path, 'latin1') : null).toBe(after)
})

it('creates hosts.deny for root alone, and leaves the mode of one that is there', async () => {
  const created = tree(null)
  await deny(created.root, '1.2')
  expect(statSync(created.path).mode & 0o777).toBe(0o600)
  for (const dialect of ['1.2', '2.x'] as const) {
    const { root, path } = tree('')
    chmodSync(path, 0o640)
    await deny(root, dialect)
    expect(statSync(path).mode & 0o777).toBe(0o640)
  }
})

it('2.x refuses a file that all may write, and a link', async () => {
  const open = tree('')
  chmodSync(open.path, 0o646)
  expect(await deny(open.root, '2.x')).toEqual({
    result: 'failed',
    message: expect.stringMatching(/world-writable/),
  })
  const linked = tree(null)
  writeFileSync(join(linked.root, 'real'), '')
  symlinkSync('/real', linked.path)
  expect(await deny(linked.root, '2.x')).toEqual({ result: 'failed', message: expect.stringMatching(/link/) })
  // 1.2 follows it, here within the tree.
  expect(await deny(linked.root, '1.2')).toEqual({ result: 'done', message: '' })
  expect(readFileSync(join(linked.root, 'real'), 'utf8')).toBe(`${LINE}\n`)
})

it('tells why hosts.deny cannot be written', async () => {
  const { root, path } = tree(null)
  mkdirSync(path)
  expect(await deny(root, '1.2')).toEqual({ result: 'failed', message: expect.stringMatching(/EISDIR/) })
})
