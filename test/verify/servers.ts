import { expect } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import type { Desired } from '../../src/policy/desired.ts'
import type { Facts } from '../../src/policy/facts.ts'
import type { Check } from '../../src/verify/check.ts'
import { factsOf, LAN, NATIVE, portsentry, settingsOf } from '../plan/live.ts'

export type Changes = NonNullable<Parameters<typeof factsOf>[0]>

const CONF_2 = {
  '/etc/portsentry/portsentry.conf':
    '# 2.x\nIGNORE_FILE="/etc/portsentry/portsentry.ignore"\nBLOCK_TCP="1"\nBLOCK_UDP="1"\nRESOLVE_HOST="0"\n',
  '/etc/portsentry/portsentry.ignore': '',
}

/** What is to be checked: a server's facts beside what its config.env asks for. */
export interface Examined {
  readonly facts: Facts
  readonly desired: Desired
  readonly plan: ReturnType<typeof plan>['plan']
  readonly problems: ReturnType<typeof plan>['problems']
}

/** The small server of `live.ts`, in sync with the default config.env but for these changes. */
export const examined = (changes: Changes = {}, config = ''): Examined => {
  const facts = factsOf(changes)
  const { problems, plan: planned, desired } = plan(settingsOf(LAN + config), facts)
  if (desired === null) throw new Error(problems.map(({ message }) => message).join())
  return { facts, desired, plan: planned, problems }
}

/** Changes that make it a server with portsentry 2.x, in sync again. */
export const native = (config = ''): Changes => {
  const { plan: planned } = examined({ portsentry: NATIVE, texts: CONF_2 }, config)
  const writes = planned?.steps.flatMap((step) => (step.kind === 'write' ? [[step.path, step.after]] : []))
  const daemons = [portsentry(1)]
  return { portsentry: NATIVE, texts: { ...CONF_2, ...Object.fromEntries(writes ?? []) }, live: { daemons } }
}

/** That exactly one of the checks is this one, as `result code: message`. */
export const expectLine = (checks: readonly Check[], line: string | RegExp): void => {
  const lines = checks.map(({ result, code, message }) => `${result} ${code}: ${message}`)
  const found = lines.filter((one) => (typeof line === 'string' ? one === line : line.test(one)))
  expect(found, lines.join('\n')).toHaveLength(1)
}
