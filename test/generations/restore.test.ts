import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { mergeGenerations, type Restoration } from '../../src/generations/merge.ts'
import { restore } from '../../src/generations/restore.ts'
import { findForeign } from '../../src/generations/restore-files.ts'
import { takeSnapshot } from '../../src/generations/snapshot.ts'
import { transact } from '../../src/generations/transaction.ts'
import { replaceFile } from '../../src/system/files.ts'
import { HostError } from '../../src/system/host-error.ts'
import { temporaryDirectory } from '../tree.ts'
import { planOf, treeOf, write } from './plans.ts'

/** Type, mode, owner, times and bytes of everything below a directory. */
const look = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => lstatSync(join(root, path)).isFile())
    .map((path) => {
      const { mode, uid, gid, mtimeMs } = statSync(join(root, path))
      return [path, mode, uid, gid, mtimeMs, readFileSync(join(root, path), 'latin1')].join(' ')
    })
    .sort()

const tree = (): string => {
  const root = treeOf([
    ['etc/plain', 'one\n', 0o644],
    ['etc/private', 'd\xe9j\xe0\0vu', 0o600],
    ['srv/real', 'linked\n', 0o640],
    ['etc/hosts.deny', 'ALL: 192.0.2.1\n', 0o644],
  ])
  mkdirSync(join(root, 'etc/sub'))
  return root
}

const STEPS = [
  write('/etc/plain', 'two\n'),
  write('/etc/private', 'x'),
  write('/etc/link', 'through\n'),
  write('/etc/new', 'new'),
  write('/etc/made/here/too', 'new'),
  write('/etc/hosts.deny', ''),
]

const perform = async (root: string): Promise<void> => {
  for (const step of STEPS) if (step.kind === 'write') await replaceFile(root, step.path, step.after, 0o644)
}

const OPTIONS = { keep: 2, confirmWithinMs: null }

describe('a transaction on a tree', () => {
  it('keeps what was done, and no trace of itself', async () => {
    const root = tree()
    await transact(planOf(root, STEPS), OPTIONS, () => perform(root))
    expect(readFileSync(join(root, 'srv/real'), 'utf8')).toBe('through\n')
    expect(statSync(join(root, 'etc/private')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(root, 'var/lib/portward'))).toBe(false)
  })

  it.each([
    ['an effect', new HostError('it broke', 'fix it'), /^it broke \(its changes have been rolled back\)$/],
    ['the system', Object.assign(new Error('EIO: write'), { code: 'EIO' }), /^EIO: write \(.*rolled back\)$/],
    ['a bug', new TypeError('undefined is not a function'), /^undefined is not a function$/],
  ])(
    'restores everything where %s fails: bytes, modes, times, links, directories',
    async (_, error, message) => {
      const root = tree()
      const before = look(root)
      const work = async () => {
        await perform(root)
        throw error
      }
      await expect(transact(planOf(root, STEPS), OPTIONS, work)).rejects.toThrow(message)
      expect(look(root)).toEqual(before)
      expect(readdirSync(join(root, 'etc')).sort()).toEqual(['hosts.deny', 'link', 'plain', 'private', 'sub'])
    },
  )

  it('restores the mode where the bytes are as before already', async () => {
    const root = tree()
    const before = look(root)
    const work = async () => {
      chmodSync(join(root, 'etc/private'), 0o644)
      throw new HostError('it broke', 'fix it')
    }
    await expect(transact(planOf(root, STEPS), OPTIONS, work)).rejects.toThrow(/rolled back/)
    expect(look(root)).toEqual(before)
  })

  it('keeps the originals, and says where, when they cannot be restored', async () => {
    const root = tree()
    const work = async () => {
      await perform(root)
      rmSync(join(root, 'etc/plain'))
      mkdirSync(join(root, 'etc/plain'))
      throw new HostError('it broke', 'fix it')
    }
    const error: Error = await transact(planOf(root, STEPS), OPTIONS, work).then(
      () => new Error('it worked'),
      (reason) => reason,
    )
    const [, state = ''] =
      /the rollback failed too: .*EISDIR.*; the original files are in (\S+)$/.exec(error.message) ?? []
    onTestFinished(() => rmSync(state, { recursive: true, force: true }))
    expect(readFileSync(join(state, 'generations/1/0'), 'utf8')).toBe('one\n')
  })

  it('refuses what is not a regular file before anything is touched', async () => {
    const root = tree()
    const before = look(root)
    const work = () => Promise.reject(new Error('must not run'))
    await expect(transact(planOf(root, [write('/etc/sub', '')]), OPTIONS, work)).rejects.toThrow(
      /not a regular file/,
    )
    expect(look(root)).toEqual(before)
  })
})

const NOTHING = { failures: [], unrestored: [] }

describe('what is restored', () => {
  const apply = async (root: string, state: string): Promise<Restoration> => {
    const taken = await takeSnapshot(state, planOf(root, STEPS), null)
    await perform(root)
    return mergeGenerations([taken])
  }

  const rewind = (root: string) => {
    writeFileSync(join(root, 'etc/plain'), 'one\n')
    utimesSync(join(root, 'etc/plain'), 1_000_000_000, 1_111_111_111.5)
  }

  const add =
    (path: string, text = '#\n') =>
    (root: string) =>
      appendFileSync(join(root, path), text)
  const remove = (path: string) => (root: string) => rmSync(join(root, path))

  it.each<[string, (root: string) => void, string[], string[]]>([
    ['nothing was changed', () => {}, [], []],
    ['a line was added to one', add('etc/plain'), ['/etc/plain'], ['plain']],
    ['one was removed', remove('etc/private'), ['/etc/private'], []],
    ['one has its old bytes again', rewind, [], []],
    ['a new one is gone already', remove('etc/new'), [], []],
    ['a new one was changed', add('etc/new'), ['/etc/new'], ['new']],
    [
      'portsentry added to hosts.deny',
      add('etc/hosts.deny', 'ALL: 203.0.113.9 : DENY\n'),
      [],
      ['hosts.deny'],
    ],
    [
      'an admin added to hosts.deny',
      add('etc/hosts.deny', 'sshd: ALL\n'),
      ['/etc/hosts.deny'],
      ['hosts.deny'],
    ],
  ])('knows what others changed, and keeps that: %s', async (_, change, foreign, kept) => {
    const root = tree()
    const before = look(root)
    const state = temporaryDirectory()
    const restoration = await apply(root, state)
    change(root)
    expect((await findForeign(restoration)).map(({ path }) => path)).toEqual(foreign)
    expect(await restore(state, restoration, 'rolled-back')).toEqual(NOTHING)
    expect(look(root)).toEqual(before)
    const names = readdirSync(join(state, 'generations/1')).filter((name) => name.startsWith('replaced-'))
    expect(names).toEqual(kept.map((name) => `replaced-etc-${name}`))
    // Once more, as after a crash: what was kept is not replaced by what has been restored.
    const copies = () => names.map((name) => readFileSync(join(state, 'generations/1', name), 'utf8'))
    const first = copies()
    expect(await restore(state, restoration, 'rolled-back')).toEqual(NOTHING)
    expect(copies()).toEqual(first)
  })

  it('keeps what others wrote to two files of one name', async () => {
    const root = tree()
    const state = temporaryDirectory()
    mkdirSync(join(root, 'etc/made/here'), { recursive: true })
    const steps = [write('/etc/plain', 'two\n'), write('/etc/made/here/plain', 'new\n')]
    const restoration = mergeGenerations([await takeSnapshot(state, planOf(root, steps), null)])
    for (const [path, text] of [
      ['etc/plain', 'theirs\n'],
      ['etc/made/here/plain', 'theirs, too\n'],
    ] as const)
      writeFileSync(join(root, path), text)
    expect(await restore(state, restoration, 'rolled-back')).toEqual(NOTHING)
    const kept = (name: string) => readFileSync(join(state, 'generations/1', name), 'utf8')
    expect(kept('replaced-etc-plain')).toBe('theirs\n')
    expect(kept('replaced-etc-made-here-plain')).toBe('theirs, too\n')
  })

  it('goes on past what fails, and says what did', async () => {
    const root = tree()
    const state = temporaryDirectory()
    const restoration = await apply(root, state)
    rmSync(join(root, 'etc/plain'))
    mkdirSync(join(root, 'etc/plain'))
    const { failures } = await restore(state, restoration, 'rolled-back')
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/etc\/plain.*EISDIR/)
    expect(readFileSync(join(root, 'srv/real'), 'utf8')).toBe('linked\n')
    expect(existsSync(join(root, 'etc/made'))).toBe(false)
  })

  it('keeps a made directory that somebody has put something into', async () => {
    const root = tree()
    const state = temporaryDirectory()
    const restoration = await apply(root, state)
    writeFileSync(join(root, 'etc/made/theirs'), '')
    expect(await restore(state, restoration, 'rolled-back')).toEqual(NOTHING)
    expect(readdirSync(join(root, 'etc/made'))).toEqual(['theirs'])
  })
})
