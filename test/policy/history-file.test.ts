import { expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { renderProblem } from '../../src/problem.ts'
import { CONF } from '../paths.ts'
import { factsOf, LAN, NATIVE, settingsOf } from '../plan/live.ts'

const IGNORE = 'IGNORE_FILE="/etc/portsentry/portsentry.ignore"\n'
const DEFAULT_2 = '/var/log/portsentry.log'

/** Problems with HISTORY_FILE, and whether there is a plan. */
const outcome = (line: string, config = '', changes: Parameters<typeof factsOf>[0] = {}) => {
  const facts = factsOf({ ...changes, texts: { [CONF]: `${IGNORE}${line}\n` } })
  const { plan: found, problems } = plan(settingsOf(LAN + config), facts)
  const told = problems.filter(({ code }) => code === 'history-file').map(renderProblem)
  return { isPlanned: found !== null, told }
}

const refused = (path: string, fit = '/var/lib/portsentry/portsentry.history') => ({
  isPlanned: false,
  told: [
    `${CONF}:2: HISTORY_FILE is "${path}", which is not in a directory for logs — set HISTORY_FILE=${fit} in config.env, or in this file`,
  ],
})

it.each(['/etc/shadow', '/dev/sda', '/var/log/auth.log', '/var/log/../../etc/passwd', '/tmp/h', 'h'])(
  'refuses a HISTORY_FILE that stands in portsentry.conf: %s',
  (path) => {
    expect(outcome(`HISTORY_FILE="${path}"`)).toEqual(refused(path))
    expect(outcome(`HISTORY_FILE="${path}"`, '', { live: null })).toEqual(refused(path))
  },
)

it('does so for 2.x, whose daemon would empty the file', () => {
  const changes = { portsentry: NATIVE }
  expect(outcome('HISTORY_FILE="/etc/shadow"', '', changes)).toEqual(refused('/etc/shadow', DEFAULT_2))
  // An upgrade from 1.2 leaves that release's path behind, which the plan replaces.
  const left = outcome('HISTORY_FILE="/var/lib/portsentry/portsentry.history"', '', changes)
  expect(left).toEqual({ isPlanned: true, told: [] })
})

it.each([
  ['the stock path', '/var/lib/portsentry/portsentry.history', ''],
  ["the admin's own", '/srv/scans', ''],
  ['one that config.env replaces', '/etc/shadow', 'HISTORY_FILE=/var/log/portsentry.history\n'],
])('leaves it alone: %s', (_, path, config) => {
  expect(outcome(`HISTORY_FILE="${path}"`, config)).toEqual({ isPlanned: true, told: [] })
})
