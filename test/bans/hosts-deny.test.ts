import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { releaseDenied, writeDenied } from '../../src/bans/hosts-deny.ts'
import { readDenied } from '../../src/facts/hosts-deny.ts'
import { rewriteGrowing } from '../../src/system/files.ts'
import { HostError } from '../../src/system/host-error.ts'
import { holdLock } from '../../src/system/lock.ts'
import { temporaryDirectory } from '../tree.ts'

const OURS = '# mine\nALL: 192.0.2.1 : DENY\n'
const NEW = 'ALL: 203.0.113.9 : DENY\n'

const tree = (text: string): string => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/hosts.deny'), text)
  return root
}
const textOf = (root: string): string => readFileSync(join(root, 'etc/hosts.deny'), 'utf8')

it('loses no line that a daemon adds while the file is replaced', async () => {
  const root = tree(OURS)
  const path = join(root, 'etc/hosts.deny')
  const change = (text: string) => {
    // As portsentry does, in the middle of it.
    appendFileSync(path, NEW)
    return text.replace(/^ALL: 192.*\n/m, '')
  }
  await rewriteGrowing(root, '/etc/hosts.deny', change, 0o644)
  expect(textOf(root)).toBe(`# mine\n${NEW}`)
})

it('leaves the file alone where nothing is to be changed, and makes none', async () => {
  const root = tree(OURS)
  const { ino, mtimeNs } = statSync(join(root, 'etc/hosts.deny'), { bigint: true })
  await releaseDenied(root, () => false)
  expect(statSync(join(root, 'etc/hosts.deny'), { bigint: true })).toMatchObject({ ino, mtimeNs })
  const empty = temporaryDirectory()
  await releaseDenied(empty, () => true)
  expect(await readDenied(empty, '/run/portward/denied')).toEqual({ entered: [], listed: null })
})

const changed = () => new HostError('was changed since', 'look at the plan')

test.each<[string, string, string | RegExp]>([
  ['nothing came', OURS, '# mine\n'],
  ['a ban came', OURS + NEW, `# mine\n${NEW}`],
  ['somebody added a rule', `${OURS}sshd: ALL\n`, /was changed since/],
  ['somebody changed it', '# mine\n', /was changed since/],
])('writes what was planned, beside whoever was banned since: %s', async (_, now, expected) => {
  const root = tree(now)
  const written = writeDenied(root, { before: OURS, after: '# mine\n' }, changed)
  if (typeof expected !== 'string') {
    await expect(written).rejects.toThrow(expected)
    expect(textOf(root)).toBe(now)
    return
  }
  await written
  expect(textOf(root)).toBe(expected)
})

it('waits for whoever holds the lock, and goes on when it is free', async () => {
  const path = join(temporaryDirectory(), 'lock')
  const refused = new HostError('somebody else has it', '')
  const first = await holdLock(path, 30, refused)
  await expect(holdLock(path, 0, refused)).rejects.toThrow('somebody else has it')
  const events: string[] = []
  const second = holdLock(path, 30, refused).then((lock) => {
    events.push('taken')
    return lock
  })
  events.push('freed')
  await first.release()
  await (await second).release()
  expect(events).toEqual(['freed', 'taken'])
})
