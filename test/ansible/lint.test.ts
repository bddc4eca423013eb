import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { installCollection, source } from './collection.ts'
import { describeWith } from './requirements.ts'

const run = (program: string, args: string[], cwd: string, env: Record<string, string>) => {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' })
  return { status, stdout, output: `${stdout}\n${stderr}` }
}

it('has the version of the project', () => {
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  expect(readFileSync(join(source, 'galaxy.yml'), 'utf8')).toContain(`\nversion: ${version}\n`)
})

describeWith({ '/usr/bin/ansible-lint': 'ansible-lint' }, 'ansible-lint', () => {
  it('has nothing to say, in its profile for production', () => {
    const { collection, env } = installCollection()
    const { status, output } = run('/usr/bin/ansible-lint', [], collection, env)
    expect(output).toContain('Passed with production profile')
    expect(status, output).toBe(0)
  })
})

/** Those of ansible-test's that fetch Python packages from the network. `validate-modules` is run by itself below. */
const NETWORKED = [
  'ansible-doc',
  'import',
  'pep8',
  'pylint',
  'runtime-metadata',
  'validate-modules',
  'yamllint',
]

describeWith({ '/usr/bin/ansible-test': 'ansible-core' }, 'ansible-test sanity', () => {
  it('has nothing to say, as far as it works without network', () => {
    const { collection, env } = installCollection()
    const skipped = NETWORKED.flatMap((name) => ['--skip-test', name])
    const { status, output } = run(
      '/usr/bin/ansible-test',
      ['sanity', '--python', 'default', ...skipped],
      collection,
      env,
    )
    expect(output).toContain('Running sanity test "compile"')
    expect(status, output).toBe(0)
  })
})

const VALIDATOR =
  '/usr/lib/python3/dist-packages/ansible_test/_util/controller/sanity/validate-modules/validate.py'

describeWith(
  { [VALIDATOR]: 'ansible-core', '/usr/lib/python3/dist-packages/voluptuous': 'python3-voluptuous' },
  "ansible-test's validate-modules",
  () => {
    it.each(['apply', 'ban', 'info'])(
      'finds the documentation of %s true to its options, and misses nothing but a GPL header',
      (module) => {
        const { home, collection, env } = installCollection()
        const name = 'ansible_collections/portward/portward'
        const args = [
          VALIDATOR,
          '--arg-spec',
          '--format',
          'json',
          '--collection',
          name,
          `plugins/modules/${module}.py`,
        ]
        const { stdout, output } = run('/usr/bin/python3', args, collection, { ...env, PYTHONPATH: home })
        const findings = Object.values<{ errors: { code: string }[] }>(JSON.parse(stdout))
        expect(
          findings.flatMap(({ errors }) => errors.map(({ code }) => code)),
          output,
        ).toEqual(['missing-gplv3-license'])
      },
    )
  },
)
