import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
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

/** Programs that stand in for those of Debian, so that nothing has to be installed: there is a key, but gpg fails as told. */
const programs = (failing: string): string => {
  const directory = temporaryDirectory()
  const scripts = {
    'dpkg-deb': 'printf portward_1_all.deb',
    'apt-ftparchive': 'echo text',
    // It reads what it has to sign: who writes to a program that has ended gets EPIPE.
    gpg: `case "$*" in *--clearsign*) cat >/dev/null ;; esac; case "$*" in *${failing}*) exit 2 ;; esac; echo key`,
  }
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(directory, name), 0o755)
  }
  return directory
}

it.each<[what: string, failing: string, written: string[]]>([
  ['gpg does not have the key: nothing is written', '--export', []],
  ['gpg cannot sign: what servers read first is not touched', '--clearsign', ['dists', 'pool']],
  ['all is well', 'nothing', ['dists', 'pool', 'portward.asc', 'portward.sources']],
])('%s', (_, failing, written) => {
  const directory = temporaryDirectory()
  const deb = join(temporaryDirectory(), 'portward.deb')
  writeFileSync(deb, 'package')
  const args = [
    join(checkout, 'scripts/repository.mjs'),
    ...[...URL_OPTION, ...KEY_OPTION],
    ...[directory, deb],
  ]
  const env = { ...process.env, PATH: `${programs(failing)}:${process.env['PATH']}` }
  const { status } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
  const isDone = failing === 'nothing'
  expect(status).toBe(isDone ? 0 : 1)
  expect(readdirSync(directory).sort()).toEqual(written)
  expect(existsSync(join(directory, 'dists/stable/InRelease'))).toBe(isDone)
})
