import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { setValue } from '../../src/documents/fail2ban-edit.ts'
import { getValue, parseFail2banIni } from '../../src/documents/fail2ban-ini.ts'
import { getKey, parsePortsentryConf, setKey } from '../../src/documents/portsentry-conf.ts'
import { parseShellAssignments, readVariables } from '../../src/documents/shell-assignments.ts'
import { parseSettings, type Settings } from '../../src/settings/settings.ts'
import { VARIABLE_NAMES } from '../../src/settings/variables.ts'
import { isReplay, runs } from '../fast-check.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'
import { batchOf, CONFIG_ENV } from './arbitraries.ts'

/** What each consumer would read of these settings once they are written, by our own readers. */
const checkConsumers = ({
  portsentryKeys,
  killRoute,
  bantime,
  findtime,
  maxretry,
  banaction,
}: Settings): void => {
  const keys = [...portsentryKeys, ...(killRoute === undefined ? [] : [['KILL_ROUTE', killRoute] as const])]
  for (const [key, value] of keys) {
    for (const dialect of ['1.2', '2.x'] as const) {
      // 2.x has no such key, or no such value.
      if (dialect === '2.x' && (value === '' || key.startsWith('ADVANCED_'))) continue
      const written = applyEdits('', setKey(parsePortsentryConf('', dialect), key, value))
      if (getKey(parsePortsentryConf(written, dialect), key) !== value)
        throw new Error(`${dialect}: ${written}`)
    }
  }
  const jail = Object.entries({
    bantime,
    findtime,
    maxretry,
    ...(banaction === undefined ? {} : { banaction }),
  })
  for (const [option, value] of jail) {
    const written = applyEdits('', setValue(parseFail2banIni(''), 'portsentry', option, value))
    if (getValue(parseFail2banIni(written), 'portsentry', option) !== value) throw new Error(written)
  }
}

/** The settings of a text that is taken; null where it is refused. */
const settingsIn = (text: string): Settings | null => {
  const { settings, problems } = parseSettings(text, {}, 'config.env')
  expect(settings === null).toBe(problems.some(({ severity }) => severity === 'error'))
  return settings
}

it('takes or refuses any text beside any environment; every problem says what, where and what to do', () => {
  const environment = fc.dictionary(fc.constantFrom(...VARIABLE_NAMES, 'A', 'B'), fc.string())
  fc.assert(
    fc.property(CONFIG_ENV, environment, (text, variables) => {
      const { settings, problems } = parseSettings(text, variables, 'config.env')
      expect(settings === null).toBe(problems.some(({ severity }) => severity === 'error'))
      const lines = text.split('\n').length
      const wrong = problems.filter(
        ({ code, message, hint, at }) =>
          !/^[a-z]+(-[a-z]+)*$/.test(code) ||
          [message, hint].includes('') ||
          !['config.env', 'environment'].includes(at.path) ||
          (at.line ?? 1) > lines,
      )
      expect(wrong).toEqual([])
    }),
    { numRuns: runs(1000) },
  )
})

it('takes or refuses any text as config.env, and writes what it takes', () => {
  fc.assert(
    fc.property(CONFIG_ENV, (text) => {
      const settings = settingsIn(text)
      fc.pre(settings !== null)
      checkConsumers(settings)
      const shell = readVariables(text)
      for (const [name, value] of settings.portsentryKeys)
        if (settings.locations.has(name)) expect([name, value, undefined]).toContain(shell.get(name))
    }),
    // At least one text in twenty is taken.
    { numRuns: runs(1000), maxSkipsPerRun: 19 },
  )
})

it('means by a text what sh does', () => {
  let checked = 0
  fc.assert(
    fc.property(batchOf(CONFIG_ENV, 2000), (texts) => {
      // What stands beside the variables, a shell may refuse or run: those files are none of this test's business.
      const wanted = texts.flatMap((text) => {
        const settings = settingsIn(text)
        const shell = parseShellAssignments(text)
        if (settings === null || shell.unreadLine !== null) return []
        const isSure = (name: string) =>
          shell.assignments.findLast((one) => one.name === name)?.conditional === false
        // What a foreign command, or a condition, may have changed is left aside.
        const sure = [...settings.portsentryKeys].filter(
          ([name]) => settings.locations.has(name) && isSure(name),
        )
        return sure.length === 0 ? [] : [{ text, variables: sure }]
      })
      const read = sourcedByShell(
        wanted.map(({ text }) => text),
        [...VARIABLE_NAMES],
      )
      checked += wanted.length
      const found = wanted.map(({ text, variables }, index) => ({
        text,
        variables: variables.map(([name]) => [name, read[index]?.get(name)]),
      }))
      expect(found).toEqual(wanted)
    }),
    { numRuns: runs(5) },
  )
  if (!isReplay) expect(checked).toBeGreaterThan(runs(5) * 15)
})
