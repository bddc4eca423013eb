import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { type ApplyProgress, applyPlan } from '../../src/apply/apply-plan.ts'
import type { Generation } from '../../src/generations/record.ts'
import { recover } from '../../src/generations/recover.ts'
import { takeSnapshot } from '../../src/generations/snapshot.ts'
import { readGenerations, updateGeneration } from '../../src/generations/store.ts'
import { rollBack, transact } from '../../src/generations/transaction.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { temporaryDirectory } from '../tree.ts'
import { planOf, treeOf, write } from './plans.ts'

/** Where a sync costs nothing. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** What becomes of each effect; and where the records are, as of a server. */
const fault = vi.hoisted(() => ({ state: '', interfere: (_: string): Promise<void> => Promise.resolve() }))

vi.mock('../../src/system/effect.ts', () => ({
  effect: async <T>(name: string, perform: () => Promise<T>): Promise<T> => {
    await fault.interfere(name)
    return perform()
  },
}))
vi.mock('../../src/system/lock.ts', async (original) => ({
  ...(await original<object>()),
  get STATE() {
    return fault.state
  },
}))
// No signal comes, and who has died does not stop to listen for one.
vi.mock('../../src/system/signals.ts', () => ({
  uninterrupted: <T>(work: () => Promise<T>): Promise<T> => work(),
}))
// A tree's files alone matter here.
vi.mock('../../src/facts/packages.ts', async (original) => ({
  ...(await original<object>()),
  readInstalled: async () => new Map(),
}))
vi.mock('../../src/apply/packages.ts', async (original) => ({
  ...(await original<object>()),
  readConfigured: async () => [],
  awaitOrphans: async () => {},
}))

type Look = ReadonlyMap<string, string>

/** Type, mode, times and bytes of everything below a directory; of directories only that they are there. */
const look = (root: string): Look =>
  new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => {
      const entry = lstatSync(join(root, path))
      if (entry.isDirectory()) return [path, 'directory']
      if (entry.isSymbolicLink()) return [path, readlinkSync(join(root, path))]
      return [path, `${entry.mode} ${entry.mtimeMs} ${readFileSync(join(root, path), 'latin1')}`]
    }),
  )

const withoutTimes = (value: string | undefined) => value?.replace(/ [\d.]+/, '')

/** What is neither as in one nor as in the other, but for what was being written beside a file. */
const torn = (now: Look, before: Look, after: Look): string[] =>
  [...new Set([...now.keys(), ...before.keys(), ...after.keys()])].filter((path) => {
    if (/\/\.[^/]+\.[0-9a-f]{12}\.portward$/.test(path)) return false
    const value = withoutTimes(now.get(path))
    return value !== withoutTimes(before.get(path)) && value !== withoutTimes(after.get(path))
  })

const tree = (): string =>
  treeOf([
    ['etc/useless', 'old\n', 0o644],
    ['srv/real', 'd\xe9j\xe0\0vu', 0o640],
  ])

/** Each kind of step that is about files. */
const planFor = (root: string): Plan =>
  planOf(root, [
    { kind: 'touch', path: '/var/log/history', mode: 0o640, reasons: [] },
    write('/etc/link', 'through\n', 'd\xe9j\xe0\0vu'),
    { kind: 'remove', path: '/etc/useless', before: 'old\n', reasons: [] },
    write('/etc/made/here', 'new'),
  ])

const quiet: ApplyProgress = { step: (_, work) => work(), confirming: (work) => work() }

const perform = (plan: Plan): Promise<void> =>
  applyPlan(plan, quiet, async () => {}, new AbortController().signal)

const OPTIONS = { keep: 2, confirmWithinMs: null }

const apply = async (root: string): Promise<void> => {
  const plan = planFor(root)
  await transact(plan, OPTIONS, () => perform(plan))
}

/** The effects of some work, in order: the first one is point 1. */
const effectsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
  const names: string[] = []
  fault.interfere = async (name) => {
    names.push(name)
  }
  await work()
  return names
}

const at = (point: number, interfere: (name: string) => Promise<void>): void => {
  let count = 0
  fault.interfere = async (name) => {
    count += 1
    if (count === point) await interfere(name)
  }
}

/** Does some work up to an effect before which its process ends: nothing that comes after it is ever done. */
const dieAt = async (point: number, work: () => Promise<unknown>): Promise<void> => {
  const death = new Promise<'died'>((resolve) => {
    at(point, () => {
      resolve('died')
      return new Promise(() => {})
    })
  })
  expect(await Promise.race([work(), death])).toBe('died')
  fault.interfere = async () => {}
}

const recovered = (): Promise<string | null> => recover()

interface Fresh {
  readonly root: string
  readonly before: Look
}

/** A tree, and a directory for the records of its transactions. */
const prepare = (): Fresh & { records: string } => {
  vi.stubEnv('TMPDIR', MEMORY)
  const root = tree()
  const records = temporaryDirectory()
  fault.interfere = async () => {}
  vi.stubEnv('TMPDIR', records)
  return { root, records, before: look(root) }
}

/** Where a transaction that has died keeps its records. */
const findState = (records: string): void => {
  fault.state = join(records, readdirSync(records)[0] ?? 'none')
}

/** A tree with all of it applied, and the record of that as a server keeps it. */
const prepareApplied = async (): Promise<Fresh & { generation: Generation }> => {
  const { root, records, before } = prepare()
  fault.state = records
  const taken = await takeSnapshot(records, planFor(root), null)
  await perform(planFor(root))
  const generation: Generation = { ...taken, state: 'applied' }
  await updateGeneration(records, generation)
  return { root, before, generation }
}

const count = async () => {
  const { root } = prepare()
  const effects = await effectsOf(() => apply(root))
  return { effects, after: look(root) }
}

it('has every kind of effect that is about files', async () => {
  const { effects } = await count()
  const kinds = new Set(effects.map((name) => name.replace(/ (?:\/|generation).*/, '')))
  expect([...kinds].sort()).toEqual([
    'close the journal',
    'copy',
    'free the reserve',
    'give it the attributes of',
    'keep',
    'make',
    'make the directory of',
    'remove',
    'rename',
    'reserve room for a rollback',
    'write beside',
  ])
})

it('an error at any effect of an apply: it is named, and everything is as before', async () => {
  const { effects } = await count()
  for (const [index, name] of effects.entries()) {
    const { root, records, before } = prepare()
    const code = ['EIO', 'ENOSPC', 'EACCES'][index % 3] ?? ''
    at(index + 1, () => Promise.reject(Object.assign(new Error(`${code}: ${name}`), { code })))
    const message = await apply(root).then(
      () => 'it worked',
      (error: Error) => error.message,
    )
    expect(message).toContain(code)
    expect(message).toContain(name.split('/').at(-1))
    expect(message).not.toMatch(/failed too/)
    expect([name, look(root)]).toEqual([name, before])
    expect([name, readdirSync(records)]).toEqual([name, []])
  }
})

it('a death at any effect of an apply: no file is torn, and the next command restores everything', async () => {
  const { effects, after } = await count()
  for (const [index, name] of effects.entries()) {
    const { root, records, before } = prepare()
    await dieAt(index + 1, () => apply(root))
    expect([name, torn(look(root), before, after)]).toEqual([name, []])
    findState(records)
    await recovered()
    const [generation] = await readGenerations(fault.state)
    // At its very end it had come to its end.
    if (generation?.state === 'applied') await rollBack([generation])
    expect([name, look(root)]).toEqual([name, before])
    expect(await recovered()).toBeNull()
  }
})

it('a death at any effect of a refresh: the next command leaves no generation of it, and does not call it an apply', async () => {
  const refresh = async (root: string) => {
    const plan = planFor(root)
    await transact(plan, { ...OPTIONS, isRefresh: true }, () => perform(plan))
  }
  const first = prepare()
  const effects = await effectsOf(() => refresh(first.root))
  const messages = new Set<string | null>()
  for (const [index, name] of effects.entries()) {
    const { root, records } = prepare()
    await dieAt(index + 1, () => refresh(root))
    findState(records)
    messages.add(await recovered())
    expect([name, await readGenerations(fault.state)]).toEqual([name, []])
  }
  expect(messages).toEqual(
    new Set([null, 'an earlier refresh was interrupted: its changes have been rolled back']),
  )
})

it('a death at any effect of that, too', async () => {
  const { effects } = await count()
  const last = effects.lastIndexOf('close the journal') - 1
  const { root, records } = prepare()
  await dieAt(last, () => apply(root))
  findState(records)
  const points = await effectsOf(recovered)
  expect(points.length).toBeGreaterThan(effects.filter((name) => name.startsWith('rename')).length)
  for (const [index, name] of points.entries()) {
    const again = prepare()
    await dieAt(last, () => apply(again.root))
    findState(again.records)
    await dieAt(index + 1, recovered)
    await recovered()
    expect([name, look(again.root)]).toEqual([name, again.before])
    expect(await recovered()).toBeNull()
  }
})

it('a death at any effect of a rollback: no file is torn, and the next command finishes it', async () => {
  const first = await prepareApplied()
  const after = look(first.root)
  const effects = await effectsOf(() => rollBack([first.generation]))
  expect(look(first.root)).toEqual(first.before)
  for (const [index, name] of effects.entries()) {
    const { root, before, generation } = await prepareApplied()
    await dieAt(index + 1, () => rollBack([generation]))
    expect([name, torn(look(root), before, after)]).toEqual([name, []])
    // Before the journal is there nothing has begun.
    if ((await recovered()) === null) await rollBack([generation])
    expect([name, look(root)]).toEqual([name, before])
    expect(await readGenerations(fault.state)).toMatchObject([{ state: 'rolled-back' }])
  }
})
