import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Check } from '../../src/verify/check.ts'
import { documentOf } from '../documents.ts'
import { contentsOf, copyOf, fixtures } from '../tree.ts'
import { portward } from './in-process.ts'

const sample = (): string => copyOf(join(fixtures, 'sample-server'))

/** A copy of the sample server after an apply. */
const applied = async (): Promise<string> => {
  const root = sample()
  expect((await portward('apply', '--yes', '--root', root)).status).toBe(0)
  return root
}

const FILE_CHECKS = ['drift', 'conf', 'ignore-list', 'hosts-allow', 'jail-files', 'wrapped']

it('passes on a tree after an apply, by its files alone, and changes nothing', async () => {
  const root = await applied()
  const before = contentsOf(root)
  const { status, stdout, stderr } = await portward('verify', '--root', root, '--json')
  const document = documentOf(stdout)
  expect(document).toMatchObject({ version: 3, command: 'verify', passed: true })
  expect(document.checks.map(({ code, result }: Check) => `${result} ${code}`)).toEqual(
    FILE_CHECKS.map((code) => `pass ${code}`),
  )
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(contentsOf(root)).toEqual(before)
})

it('fails on a tree before an apply', async () => {
  const { status, stdout } = await portward('verify', '--root', sample(), '--json')
  const { passed, checks } = documentOf(stdout)
  expect(passed).toBe(false)
  expect(checks.map(({ code }: Check) => code)).toEqual(FILE_CHECKS)
  expect(status).toBe(1)
})

it('says with --quiet only what is wrong', async () => {
  const root = await applied()
  writeFileSync(join(root, 'etc/fail2ban/jail.local'), '[portsentry]\nenabled = false\n')
  const { status, stdout } = await portward('verify', '--root', root, '--quiet')
  expect(stdout).toMatch(
    /^FAIL .*\n +\/etc\/fail2ban\/jail\.local:2: enabled of the portsentry jail .*\n +→ .*\n\n.*1 failed/,
  )
  expect(stdout).not.toMatch(/^pass/m)
  expect(status).toBe(1)
})

it('has nothing to check against where config.env is wrong', async () => {
  const root = sample()
  writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
  const { status, stdout, stderr } = await portward('verify', '--root', root)
  expect(status).toBe(78)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/config\.env:1: LAN_IP/)
  expect(documentOf((await portward('verify', '--root', root, '--json')).stdout).checks).toBeNull()
})
