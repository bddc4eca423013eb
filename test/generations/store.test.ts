import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { closeJournal, openJournal, readJournal } from '../../src/generations/journal.ts'
import type { Generation } from '../../src/generations/record.ts'
import { takeSnapshot } from '../../src/generations/snapshot.ts'
import {
  deleteUnused,
  pruneGenerations,
  readGenerations,
  updateGeneration,
} from '../../src/generations/store.ts'
import { temporaryDirectory } from '../tree.ts'
import { planOf } from './plans.ts'

describe('the state directory', () => {
  const add = async (state: string, as: Generation['state']): Promise<void> => {
    const taken = await takeSnapshot(state, planOf(temporaryDirectory(), []), null)
    await updateGeneration(state, { ...taken, state: as })
  }

  it.each<[string, Generation['state'][], number, number[]]>([
    ['fewer than are kept', ['applied', 'applied'], 2, [2, 1]],
    ['the oldest go', ['applied', 'applied', 'applied'], 2, [3, 2]],
    ['those of no use go first', ['applied', 'undone', 'rolled-back', 'applied'], 2, [4, 1]],
    ['the oldest of no use first', ['undone', 'applied', 'undone'], 2, [3, 2]],
    ['the running one is kept', ['applied', 'applied', 'open'], 1, [3]],
  ])('deletes beyond what is to be kept: %s', async (_, states, keep, expected) => {
    const state = temporaryDirectory()
    for (const as of states) await add(state, as)
    await pruneGenerations(state, keep)
    expect((await readGenerations(state)).map(({ number }) => number)).toEqual(expected)
    expect(readdirSync(join(state, 'generations')).sort()).toEqual(expected.map(String).sort())
  })

  it('goes by the order of applies, whatever the clock says', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const state = temporaryDirectory()
    for (const year of ['2030', '2020', '2025']) {
      vi.setSystemTime(`${year}-01-01T00:00:00Z`)
      await add(state, 'applied')
    }
    await pruneGenerations(state, 2)
    expect((await readGenerations(state)).map(({ number, started }) => `${number} ${started}`)).toEqual([
      '3 2025-01-01T00:00:00.000Z',
      '2 2020-01-01T00:00:00.000Z',
    ])
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
    for (const directory of ['.', 'generations/1']) {
      writeFileSync(join(state, directory, '.journal.json.0123456789ab.portward'), 'half')
    }
    await deleteUnused(state)
    expect(readdirSync(join(state, 'generations'))).toEqual(['1'])
    expect(readdirSync(state)).toEqual(['generations'])
    expect(readdirSync(join(state, 'generations/1'))).toEqual(['generation.json'])
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
