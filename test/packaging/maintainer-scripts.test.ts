import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { STATE } from '../../src/system/lock.ts'
import { read } from './command-line.ts'

let state: string

beforeEach(() => {
  state = join(mkdtempSync(join(tmpdir(), 'portward-state-')), 'portward')
})
afterEach(() => rmSync(join(state, '..'), { recursive: true, force: true }))

/** Generations by name, in the format that portward writes; a bomb is one that lies in its strings. */
const record = (name: string, text: string): void => {
  mkdirSync(join(state, 'generations', name), { recursive: true })
  writeFileSync(join(state, 'generations', name, 'generation.json'), text)
}

const generation = (status: string): string =>
  `${JSON.stringify(
    {
      version: 1,
      number: 1,
      root: '/',
      state: status,
      // What others wrote must not be taken for the state of the generation.
      steps: ['\n  "state": "rolled-back",\n'],
      files: [{ path: '/etc/x', state: 'undone' }],
    },
    null,
    2,
  )}\n`

/** Runs a maintainer script's own text on a state directory of its own. */
const run = (script: string, ...args: string[]) => {
  const text = read(join('debian', script))
    .replace(`state=${STATE}`, `state=${state}`)
    .replaceAll('/run/', `${state}-run/`)
    .replaceAll('/etc/', `${state}-etc/`)
  expect(text).toContain(state)
  return spawnSync('sh', ['-c', text, script, ...args], { encoding: 'utf8' })
}

const cases: [what: string, generations: Record<string, string>, kept: string[]][] = [
  ['none', {}, []],
  ['all rolled back', { 1: 'rolled-back', 2: 'undone' }, []],
  ['one in force', { 1: 'applied' }, ['1']],
  ['some in force', { 1: 'applied', 2: 'rolled-back', 3: 'undone', 10: 'applied' }, ['1', '10']],
  ['one that died', { 1: 'rolled-back', 2: 'open' }, ['2']],
  ['a word from a later portward', { 1: 'amended' }, ['1']],
  ['half a record', { '1.partial': 'applied' }, []],
]

it.each(cases)('purge: %s', (_, generations, kept) => {
  for (const [name, status] of Object.entries(generations)) record(name, generation(status))
  const { status, stderr } = run('postrm', 'purge')
  expect(status).toBe(0)
  expect(existsSync(state)).toBe(kept.length > 0)
  if (kept.length === 0) expect(stderr).toBe('')
  else {
    expect(readdirSync(join(state, 'generations')).sort()).toEqual(kept)
    expect(stderr).toContain(`is kept because of generation ${kept.join(' ')}:`)
    expect(stderr).toContain(`rm -r ${state}`)
  }
})

it.each([
  ['there never was any state', {}],
  ['all was rolled back', { 1: 'rolled-back' }],
])('purge leaves nothing in /run where %s', (_, generations) => {
  mkdirSync(`${state}-run`)
  writeFileSync(`${state}-run/portward.lock`, '')
  for (const [name, status] of Object.entries(generations)) record(name, generation(status))
  expect(run('postrm', 'purge')).toMatchObject({ status: 0, stderr: '' })
  expect([existsSync(state), readdirSync(`${state}-run`)]).toEqual([false, []])
})

it('purge keeps all of it while something is interrupted', () => {
  record('1', generation('rolled-back'))
  writeFileSync(join(state, 'journal.json'), '{}')
  const { status, stderr } = run('postrm', 'purge')
  expect([status, readdirSync(join(state, 'generations'))]).toEqual([0, ['1']])
  expect(stderr).toContain('is kept because of an interrupted apply or rollback:')
})

it.each([true, false])('purge keeps the list that hosts.deny names: bans go on is %s', (isBanning) => {
  record('2', generation('rolled-back'))
  mkdirSync(`${state}-run/portward`, { recursive: true })
  mkdirSync(`${state}-etc/portward`, { recursive: true })
  if (isBanning) writeFileSync(`${state}-etc/portward/bans.conf`, '')
  expect(run('postrm', 'purge')).toMatchObject({ status: 0, stderr: '' })
  expect(existsSync(`${state}-run/portward`)).toBe(isBanning)
  expect(existsSync(state)).toBe(false)
})

it('removal, upgrades and what else dpkg calls leave the state alone', () => {
  record('1', generation('rolled-back'))
  for (const action of [
    'remove',
    'upgrade',
    'failed-upgrade',
    'abort-install',
    'abort-upgrade',
    'disappear',
  ]) {
    expect(run('postrm', action).status).toBe(0)
  }
  expect(existsSync(join(state, 'generations/1/generation.json'))).toBe(true)
})

it.each(cases)('a word before the removal, where it is of use: %s', (_, generations, kept) => {
  for (const [name, status] of Object.entries(generations)) record(name, generation(status))
  const { status, stderr } = run('prerm', 'remove')
  expect(status).toBe(0)
  expect(stderr.includes('portward rollback')).toBe(kept.length > 0)
  expect(run('prerm', 'upgrade', '9').stderr).toBe('')
})

it.each([
  ['the first installation', ['configure', ''], false, 'portward init, then portward plan'],
  ['the first installation where there is a config.env', ['configure', ''], true, 'portward plan'],
  ['an upgrade', ['configure', '0.1.0'], false, null],
  ['an upgrade that failed', ['abort-upgrade', '0.2.0'], false, null],
])('the next step after %s', (_, args, hasConfig, next) => {
  const config = join(state, '../config.env')
  if (hasConfig) writeFileSync(config, '')
  const text = read('debian/postinst').replace('/root/config.env', config)
  expect(text).toContain(config)
  expect(spawnSync('sh', ['-c', text, 'postinst', ...args], { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stdout: next === null ? '' : `portward is installed. Next: ${next}\n`,
    stderr: '',
  })
})
