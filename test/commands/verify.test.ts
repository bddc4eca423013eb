import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Check } from '../../src/verify/check.ts'
import { checkout } from '../checkout.ts'
import { copyOf, fixtures } from '../tree.ts'

const portward = (...args: string[]) =>
  spawnSync(join(checkout, 'bin/portward'), args, { env: { PATH: process.env['PATH'] }, encoding: 'utf8' })

const sample = (): string => copyOf(join(fixtures, 'sample-server'))

/** A copy of the sample server after an apply. */
const applied = (): string => {
  const root = sample()
  expect(portward('apply', '--yes', '--root', root).status).toBe(0)
  return root
}

const FILE_CHECKS = ['drift', 'conf', 'ignore-list', 'hosts-allow', 'jail-files', 'wrapped']

const bytesOf = (root: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  )

it('passes on a tree after an apply, by its files alone, and changes nothing', () => {
  const root = applied()
  const before = bytesOf(root)
  const { status, stdout, stderr } = portward('verify', '--root', root, '--json')
  const document = JSON.parse(stdout)
  expect(document).toMatchObject({ version: 3, command: 'verify', passed: true })
  expect(document.checks.map(({ code, result }: Check) => `${result} ${code}`)).toEqual(
    FILE_CHECKS.map((code) => `pass ${code}`),
  )
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(bytesOf(root)).toEqual(before)
})

it('fails on a tree before an apply', () => {
  const { status, stdout } = portward('verify', '--root', sample(), '--json')
  const { passed, checks } = JSON.parse(stdout)
  expect(passed).toBe(false)
  expect(checks.map(({ code }: Check) => code)).toEqual(FILE_CHECKS)
  expect(status).toBe(1)
})

it('says with --quiet only what is wrong', () => {
  const root = applied()
  writeFileSync(join(root, 'etc/fail2ban/jail.local'), '[portsentry]\nenabled = false\n')
  const { status, stdout } = portward('verify', '--root', root, '--quiet')
  expect(stdout).toMatch(
    /^FAIL .*\n +\/etc\/fail2ban\/jail\.local:2: enabled of the portsentry jail .*\n +→ .*\n\n.*1 failed/,
  )
  expect(stdout).not.toMatch(/^pass/m)
  expect(status).toBe(1)
})

it('has nothing to check against where config.env is wrong', () => {
  const root = sample()
  writeFileSync(join(root, 'root/config.env'), 'LAN_IP=x\n')
  const { status, stdout, stderr } = portward('verify', '--root', root)
  expect(status).toBe(78)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/config\.env:1: LAN_IP/)
  expect(JSON.parse(portward('verify', '--root', root, '--json').stdout).checks).toBeNull()
})
