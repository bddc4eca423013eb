import { expect } from 'vitest'
import type { Check } from '../../../src/verify/check.ts'
import { documentOf } from '../../documents.ts'
import type { Server } from '../harness/server.ts'

export interface Proof {
  readonly exitCode: number
  readonly checks: readonly Check[]
  readonly stderr: string
}

/** Runs a command of portward with --json and reads the checks of its one document. */
export const prove = async (server: Server, command = 'verify'): Promise<Proof> => {
  const { stdout, stderr, exitCode } = await server.run(`portward ${command} --json`, { allowFailure: true })
  const document = documentOf(stdout)
  if (!Array.isArray(document.checks)) throw new Error(`portward ${command} --json:\n${stdout}\n${stderr}`)
  return { exitCode, checks: document.checks, stderr }
}

const describeCheck = ({ code, result, message }: Check): string => `${result} ${code}: ${message}`

/** That every check has passed but those that are listed, as `result code: message` with a pattern each. */
export const expectAllPass = ({ checks }: Pick<Proof, 'checks'>, but: readonly RegExp[] = []): void => {
  const others = checks.filter(({ result }) => result !== 'pass').map(describeCheck)
  expect(others.filter((line) => !but.some((pattern) => pattern.test(line)))).toEqual([])
  for (const pattern of but) expect(others.join('\n')).toMatch(pattern)
}

/** That the checks with these codes have failed, each with a message that names the cause. */
export const expectFailures = (
  { exitCode, checks }: Proof,
  expected: Readonly<Record<string, RegExp>>,
): void => {
  const failures = checks.filter(({ result }) => result === 'fail').map(describeCheck)
  for (const [code, message] of Object.entries(expected)) {
    const found = checks.find((check) => check.code === code)
    expect(found?.result, `${code} among\n${failures.join('\n')}`).toBe('fail')
    expect(found?.message).toMatch(message)
  }
  expect(exitCode).toBe(1)
}
