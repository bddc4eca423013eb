import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceFile } from '../../src/host/files.ts'
import { mergeGenerations, type Restoration } from '../../src/host/generations/merge.ts'
import type { FileRecord, Generation } from '../../src/host/generations/record.ts'
import { findForeign, restore } from '../../src/host/generations/restore.ts'
import {
  closeJournal,
  forgetUnused,
  openJournal,
  pruneGenerations,
  readGenerations,
  readJournal,
  updateGeneration,
} from '../../src/host/generations/store.ts'
import { takeGeneration } from '../../src/host/generations/take.ts'
import { transact } from '../../src/host/generations/transaction.ts'
import { HostError } from '../../src/host/host-error.ts'
import type { Plan, Step } from '../../src/plan/plan.ts'
import type { Desired } from '../../src/policy/desired.ts'
import { temporaryDirectory } from '../tree.ts'

const HISTORY = '/var/lib/portsentry/portsentry.history'

/** Of what is desired a generation only wants to know which files daemons add to. */
const planOf = (root: string, steps: readonly Step[]): Plan => {
  const desired: Pick<Desired, 'historyPath' | 'logs'> = { historyPath: HISTORY, logs: [] }
  return { root, steps, desired: desired as Desired, wrapped: [], inexact: [] }
}

const write = (path: string, after: string): Step => ({
  ...{ kind: 'write', path, before: null, after, mode: 0o644, fromPackage: false, reasons: [] },
})

const hash = (letter: string) => letter.repeat(64)

const copied = (path: string, before: string, after: string | null): FileRecord => ({
  ...{ path, real: path, copy: '0', sha256: hash(before), grows: false },
  after: after === null ? null : { sha256: hash(after), size: 1 },
})

const made = (path: string, after: string): FileRecord => ({
  ...{ path, real: path, copy: null, directories: ['/etc/x'], grows: false },
  after: { sha256: hash(after), size: 1 },
})

const generation = (number: number, parts: Partial<Generation> = {}): Generation => ({
  ...{ version: 1, root: '/', number, state: 'applied', started: '2026-11-22T00:00:00.000Z', steps: [] },
  ...{ files: [], services: { enabled: [], active: [] }, releases: [], packages: [], paths: null },
  ...{ newPaths: [], confirmBy: null },
  ...parts,
})

describe('what several generations come to', () => {
  const files = ({ files: merged }: Restoration) =>
    merged.map(({ record, number, left }) => [
      ...[record.path, record.copy === null ? 'absent' : record.sha256[0], number],
      left?.sha256[0] ?? 'absent',
    ])

  it.each<[string, [Generation, ...Generation[]], unknown[]]>([
    [
      'one: as it was, and as it was left',
      [generation(1, { files: [copied('/a', 'a', 'b')] })],
      [['/a', 'a', 1, 'b']],
    ],
    [
      'two of one file: as the earlier found it, as the later left it',
      [
        generation(2, { files: [copied('/a', 'b', 'c')] }),
        generation(1, { files: [copied('/a', 'a', 'b')] }),
      ],
      [['/a', 'a', 1, 'c']],
    ],
    [
      'made, then removed: absent before and after',
      [generation(2, { files: [copied('/a', 'b', null)] }), generation(1, { files: [made('/a', 'b')] })],
      [['/a', 'absent', 1, 'absent']],
    ],
    [
      'three, of which the middle one does not know the file',
      [
        generation(3, { files: [copied('/a', 'b', 'c')] }),
        generation(2, { files: [copied('/b', 'x', 'y')] }),
        generation(1, { files: [copied('/a', 'a', 'b')] }),
      ],
      [
        ['/a', 'a', 1, 'c'],
        ['/b', 'x', 2, 'y'],
      ],
    ],
  ])('%s', (_, generations, expected) => {
    expect(files(mergeGenerations(generations))).toEqual(expected)
  })

  it('takes services from the earliest, packages and new paths from all', () => {
    const merged = mergeGenerations([
      generation(3, { packages: [{ name: 'tcpd', version: '1' }], newPaths: ['/etc/b'], paths: ['/etc'] }),
      generation(2, {
        packages: [
          { name: 'tcpd', version: '1' },
          { name: 'portsentry', version: '2' },
        ],
        newPaths: ['/etc/a', '/etc/b'],
        paths: ['/etc', '/etc/old'],
        services: { enabled: ['fail2ban'], active: [['fail2ban', ['fail2ban']]] },
      }),
    ])
    expect(merged).toMatchObject({ numbers: [3, 2], packages: ['tcpd', 'portsentry'] })
    expect(merged.services.enabled).toEqual(['fail2ban'])
    expect(merged.paths).toEqual(new Set(['/etc', '/etc/old']))
    expect(merged.newPaths).toEqual(['/etc/b', '/etc/a'])
  })
})

/** Type, mode, owner, times and bytes of everything below a directory. */
const look = (root: string): string =>
  execFileSync('find', [root, '-type', 'f', '-printf', '%P %M %u %g %T@ ', '-exec', 'sha256sum', '{}', ';'])
    .toString()
    .split('\n')
    .sort()
    .join('\n')

const tree = (): string => {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'etc/sub'), { recursive: true })
  mkdirSync(join(root, 'srv'))
  for (const [path, text, mode] of [
    ['etc/plain', 'one\n', 0o644],
    ['etc/private', 'd\xe9j\xe0\0vu', 0o600],
    ['srv/real', 'linked\n', 0o640],
    ['etc/hosts.deny', 'ALL: 192.0.2.1\n', 0o644],
  ] as const) {
    writeFileSync(join(root, path), text, 'latin1')
    chmodSync(join(root, path), mode)
    utimesSync(join(root, path), 1_000_000_000, 1_111_111_111.5)
  }
  symlinkSync('../srv/real', join(root, 'etc/link'))
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

const OPTIONS = { keep: 2, confirmWithinMs: null, undoing: () => {} }

describe('a transaction on a tree', () => {
  it('keeps what was done, and no trace of itself', async () => {
    const root = tree()
    await transact(planOf(root, STEPS), OPTIONS, () => perform(root))
    expect(readFileSync(join(root, 'srv/real'), 'utf8')).toBe('through\n')
    expect(statSync(join(root, 'etc/private')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(root, 'var/lib/portward'))).toBe(false)
  })

  it.each([
    ['an effect', new HostError('it broke', 'mend it'), /^it broke \(what was changed has been put back\)$/],
    ['the system', Object.assign(new Error('EIO: write'), { code: 'EIO' }), /^EIO: write \(.*put back\)$/],
    ['a bug', new TypeError('undefined is not a function'), /^undefined is not a function$/],
  ])(
    'puts everything back where %s fails: bytes, modes, times, links, directories',
    async (_, error, message) => {
      const root = tree()
      const before = look(root)
      const work = async () => {
        await perform(root)
        throw error
      }
      await expect(transact(planOf(root, STEPS), OPTIONS, work)).rejects.toThrow(message)
      expect(look(root)).toBe(before)
      expect(readdirSync(join(root, 'etc')).sort()).toEqual(['hosts.deny', 'link', 'plain', 'private', 'sub'])
    },
  )

  it('refuses what is no regular file before anything is touched', async () => {
    const root = tree()
    const before = look(root)
    const work = () => Promise.reject(new Error('must not run'))
    await expect(transact(planOf(root, [write('/etc/sub', '')]), OPTIONS, work)).rejects.toThrow(
      /not a regular file/,
    )
    expect(look(root)).toBe(before)
  })
})

describe('what is given back', () => {
  const apply = async (root: string, state: string): Promise<Restoration> => {
    const taken = await takeGeneration(state, planOf(root, STEPS), null)
    await perform(root)
    return mergeGenerations([taken])
  }

  const rewind = (root: string) => {
    writeFileSync(join(root, 'etc/plain'), 'one\n')
    utimesSync(join(root, 'etc/plain'), 1_000_000_000, 1_111_111_111.5)
  }

  const add = (path: string) => (root: string) => appendFileSync(join(root, path), '#\n')
  const remove = (path: string) => (root: string) => rmSync(join(root, path))

  it.each<[string, (root: string) => void, string[], string[]]>([
    ['nobody changed anything', () => {}, [], []],
    ['a line was added to one', add('etc/plain'), ['/etc/plain'], ['plain']],
    ['one was removed', remove('etc/private'), ['/etc/private'], []],
    ['one has its old bytes again', rewind, [], []],
    ['a new one is gone already', remove('etc/new'), [], []],
    ['a new one was changed', add('etc/new'), ['/etc/new'], ['new']],
    ['portsentry added to hosts.deny', add('etc/hosts.deny'), [], ['hosts.deny']],
  ])('knows what others changed, and keeps that: %s', async (_, change, foreign, kept) => {
    const root = tree()
    const before = look(root)
    const state = temporaryDirectory()
    const restoration = await apply(root, state)
    change(root)
    expect(await findForeign(restoration)).toEqual(foreign)
    expect(await restore(state, restoration, () => {})).toEqual([])
    expect(look(root)).toBe(before)
    const names = readdirSync(join(state, 'generations/1')).filter((name) => name.startsWith('replaced-'))
    expect(names).toEqual(kept.map((name) => `replaced-${name}`))
  })

  it('may be given back again, and takes away what a death left beside the files', async () => {
    const root = tree()
    const before = look(root)
    const state = temporaryDirectory()
    const restoration = await apply(root, state)
    writeFileSync(join(root, 'etc/.plain.0123456789ab.portward'), 'half')
    for (let times = 0; times < 3; times += 1) {
      expect(await restore(state, restoration, () => {})).toEqual([])
      expect(look(root)).toBe(before)
    }
  })

  it('goes on past what fails, and says what did', async () => {
    const root = tree()
    const state = temporaryDirectory()
    const restoration = await apply(root, state)
    rmSync(join(root, 'etc/plain'))
    mkdirSync(join(root, 'etc/plain'))
    const failures = await restore(state, restoration, () => {})
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
    expect(await restore(state, restoration, () => {})).toEqual([])
    expect(readdirSync(join(root, 'etc/made'))).toEqual(['theirs'])
  })
})

describe('the state directory', () => {
  const add = async (state: string, as: Generation['state']): Promise<void> => {
    const taken = await takeGeneration(state, planOf(temporaryDirectory(), []), null)
    await updateGeneration(state, { ...taken, state: as })
  }

  it.each<[string, Generation['state'][], number, number[]]>([
    ['fewer than are kept', ['applied', 'applied'], 2, [2, 1]],
    ['the oldest go', ['applied', 'applied', 'applied'], 2, [3, 2]],
    ['those of no use go first', ['applied', 'undone', 'rolled-back', 'applied'], 2, [4, 1]],
    ['the oldest of no use first', ['undone', 'applied', 'undone'], 2, [3, 2]],
    ['the one at work stays', ['applied', 'applied', 'open'], 1, [3]],
  ])('forgets beyond what is to be kept: %s', async (_, states, keep, expected) => {
    const state = temporaryDirectory()
    for (const as of states) await add(state, as)
    await pruneGenerations(state, keep)
    expect((await readGenerations(state)).map(({ number }) => number)).toEqual(expected)
    expect(readdirSync(join(state, 'generations')).sort()).toEqual(expected.map(String).sort())
  })

  it('is for its owner alone', async () => {
    const state = join(temporaryDirectory(), 'portward')
    await add(state, 'applied')
    for (const path of ['.', 'generations', 'generations/1']) {
      expect(statSync(join(state, path)).mode & 0o777).toBe(0o700)
    }
    expect(statSync(join(state, 'generations/1/generation.json')).mode & 0o777).toBe(0o600)
  })

  it('loses what was never finished, and what was never used', async () => {
    const state = temporaryDirectory()
    await add(state, 'applied')
    await add(state, 'open')
    mkdirSync(join(state, 'generations/3.partial'))
    await forgetUnused(state)
    expect(readdirSync(join(state, 'generations'))).toEqual(['1'])
  })

  it('has a journal from its opening to its close', async () => {
    const state = temporaryDirectory()
    expect(await readJournal(state)).toBeNull()
    const journal = { operation: 'apply', generations: [1], started: '2026-11-22T00:00:00.000Z' } as const
    await openJournal(state, journal)
    expect(await readJournal(state)).toEqual(journal)
    await closeJournal(state)
    expect(await readJournal(state)).toBeNull()
  })

  it('says so where a record is damaged', async () => {
    const state = temporaryDirectory()
    await add(state, 'applied')
    writeFileSync(join(state, 'generations/1/generation.json'), '{')
    await expect(readGenerations(state)).rejects.toThrow(/generation\.json is damaged/)
  })
})
