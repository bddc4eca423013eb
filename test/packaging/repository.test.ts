import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { temporaryDirectory } from '../tree.ts'

const URL_OPTION = ['--url', 'https://example.org/portward']
const KEY_OPTION = ['--key', '0123456789ABCDEF0123456789ABCDEF01234567']

// What it does with a key is in test/e2e/repository.test.ts, with apt as the judge.
it.each([
  ['no URL', KEY_OPTION],
  ['no web server', [...KEY_OPTION, '--url', '/srv/portward']],
  ['no key', URL_OPTION],
  ['a name, which several keys may have', [...URL_OPTION, '--key', 'portward archive']],
  ['an unknown option', [...URL_OPTION, ...KEY_OPTION, '--suite', 'x']],
])('npm run repository is told how it is called: %s', (_, options) => {
  const directory = join(temporaryDirectory(), 'repository')
  const args = [join(checkout, 'scripts/repository.mjs'), ...options, directory]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(/^usage: npm run repository -- --url URL --key FINGERPRINT DIRECTORY/)
  expect(existsSync(directory)).toBe(false)
})
