import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { foldInto, foldRefreshes } from '../../src/generations/fold.ts'
import type { FileRecord, Generation } from '../../src/generations/record.ts'
import { takeSnapshot } from '../../src/generations/snapshot.ts'
import { directoryOf, readGenerations, updateGeneration } from '../../src/generations/store.ts'
import { NAMES_PATH } from '../../src/policy/host-names.ts'
import { temporaryDirectory } from '../tree.ts'
import { planOf } from './plans.ts'

const file = (path: string, sha256: string): FileRecord => ({
  ...{ path, real: path, after: { sha256, size: 1 }, grows: false, copy: null, directories: [] },
})

const add = async (
  state: string,
  files: readonly FileRecord[],
  { state: as = 'applied', isRefresh = false }: Partial<Pick<Generation, 'state' | 'isRefresh'>> = {},
) => {
  const taken = await takeSnapshot(state, planOf(temporaryDirectory(), []), null, isRefresh)
  await updateGeneration(state, { ...taken, state: as, files })
}

/** `2: a=B` */
const shown = async (state: string): Promise<string[]> =>
  (await readGenerations(state)).map(
    ({ number, files }) =>
      `${number}: ${files.map(({ path, after }) => `${path}=${after?.sha256}`).join(' ')}`,
  )

test('what a refresh wrote counts as written by the latest apply of each file', async () => {
  const state = temporaryDirectory()
  await add(state, [file('a', 'A1'), file('b', 'B1')])
  await add(state, [file('a', 'A2'), file('c', 'C2')])
  await add(state, [file('b', 'B3')], { state: 'rolled-back' })
  await add(state, [file('a', 'A4'), file('b', 'B4'), file('d', 'D4')], { isRefresh: true })
  await add(state, [file('a', 'A5')], { isRefresh: true })
  await foldRefreshes(state)
  expect(await shown(state)).toEqual(['3: b=B3', '2: a=A5 c=C2', '1: a=A1 b=B4'])
  await foldRefreshes(state)
  expect(await shown(state)).toHaveLength(3)
})

test('a refresh that failed leaves nothing; one that is under way is left alone', async () => {
  const state = temporaryDirectory()
  await add(state, [file('a', 'A1')])
  await add(state, [file('a', 'A2')], { isRefresh: true, state: 'undone' })
  await add(state, [file('a', 'A3')], { isRefresh: true, state: 'open' })
  await foldRefreshes(state)
  expect(await shown(state)).toEqual(['3: a=A3', '1: a=A1'])
})

test('nothing where no apply has the file', () => {
  const base = { files: [file('a', 'A1')] } as unknown as Generation
  expect(foldInto([base], { files: [file('b', 'B2')] } as unknown as Generation)).toEqual([])
})

test('an apply whose rollback brings earlier addresses back also brings back their record', async () => {
  const state = temporaryDirectory()
  const record = (sha256: string): FileRecord => ({ ...file(NAMES_PATH, sha256), copy: '0', sha256: '' })
  const refresh = async (number: number, before: string, after: string) => {
    await add(state, [file('jail', after), file('ignore', after), record(after)], { isRefresh: true })
    writeFileSync(join(directoryOf(state, number), '0'), before)
    await foldRefreshes(state)
  }
  await add(state, [file('jail', '1'), file('ignore', '1'), record('1')])
  await add(state, [file('jail', '2')])
  await refresh(3, 'first', '3')
  const [latest] = await readGenerations(state)
  const copy = latest?.files.find(({ path }) => path === NAMES_PATH)?.copy ?? ''
  const read = () => readFileSync(join(directoryOf(state, 2), copy), 'utf8')
  expect(read()).toBe('first')
  await refresh(3, 'second', '4')
  expect(await shown(state)).toEqual([`2: jail=4 ${NAMES_PATH}=4`, `1: jail=1 ignore=4 ${NAMES_PATH}=1`])
  expect(read()).toBe('first')
})
