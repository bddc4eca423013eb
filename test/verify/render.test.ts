import { expect, it } from 'vitest'
import { paint, withoutStyles, wrap } from '../../src/styled.ts'
import { type Check, checkFor } from '../../src/verify/check.ts'
import { NETWORKS } from '../../src/verify/networks-check.ts'
import * as render from '../../src/verify/render.ts'

const renderChecks = (checks: readonly Check[]) => withoutStyles(render.renderChecks(checks))
const renderProof = (checks: readonly Check[]) => withoutStyles(render.renderProof(checks))

const check = checkFor('cut-off')
const pass = check.pass('port 22 no longer answers', 'never shown')
const warn = check.warn('it cannot be shown', 'open a port')
const fail = check.fail('port 22 still answers', 'see KILL_ROUTE')
const skip = check.skip('no scan was acted on')

it.each<[what: string, checks: readonly Check[], last: string]>([
  [
    'all, where nobody is to be banned',
    [checkFor('observes').pass('BLOCK_TCP and BLOCK_UDP are 0')],
    '1 passed, 0 warnings, 0 failed: this server notices scanners and does not ban, as config.env asks',
  ],
  [
    'that, where fail2ban bans all the same',
    [checkFor('observes').pass('BLOCK_TCP and BLOCK_UDP are 0'), checkFor('jail-bans').pass('banned')],
    '2 passed, 0 warnings, 0 failed: this server bans scanners as config.env asks',
  ],
  [
    'checks without any scan',
    [checkFor('conf').pass('5 keys')],
    '1 passed, 0 warnings, 0 failed: no check failed, but no scan was tried',
  ],
  ['all', [pass, pass], '2 passed, 0 warnings, 0 failed: this server bans scanners as config.env asks'],
  ['a warning', [pass, warn], '1 passed, 1 warning, 0 failed: no check failed, but see the warnings'],
  [
    'a check that could not be done',
    [pass, skip],
    '1 passed, 0 warnings, 0 failed, 1 could not be done: no check failed, but not everything was proven',
  ],
  [
    'a failure',
    [pass, warn, skip, fail],
    '1 passed, 1 warning, 1 failed, 1 could not be done: this server is NOT protected as config.env asks',
  ],
])('sums up %s', (_what, checks, last) => {
  expect(renderChecks(checks).endsWith(`\n\n${last}\n`)).toBe(true)
  expect(renderProof(checks)).toContain(`verified: ${last}\n`)
})

it('says that config.env is at fault for a network that it leaves out, and that an apply stays', () => {
  const network = checkFor(NETWORKS).fail('10.0.0.0/8 is not protected')
  expect(renderProof([pass, network])).toMatch(
    /1 failed: config\.env does not fit the networks of this server\nthe applied changes are kept: .*\n$/,
  )
  expect(renderChecks([network, fail])).toMatch(/2 failed: this server is NOT protected/)
})

it('says what was found, and what to do where there is something to do', () => {
  expect(renderChecks([pass, fail, skip])).toBe(
    [
      'pass  a scanner is cut off',
      '      port 22 no longer answers',
      'FAIL  a scanner is cut off',
      '      port 22 still answers',
      '      → see KILL_ROUTE',
      'skip  a scanner is cut off',
      '      no scan was acted on',
      '',
      '1 passed, 0 warnings, 1 failed, 1 could not be done: this server is NOT protected as config.env asks\n',
    ].join('\n'),
  )
})

const long = check.fail(
  'port 22 of 198.51.100.1 still answers '.repeat(3).trimEnd(),
  'portward apply '.repeat(6).trimEnd(),
)

it.each([
  [
    80,
    `FAIL  a scanner is cut off
      port 22 of 198.51.100.1 still answers port 22 of 198.51.100.1 still
        answers port 22 of 198.51.100.1 still answers
      → portward apply portward apply portward apply portward apply portward
        apply portward apply

0 passed, 0 warnings, 1 failed: this server is NOT protected as config.env asks
`,
  ],
  [
    200,
    `FAIL  a scanner is cut off
      port 22 of 198.51.100.1 still answers port 22 of 198.51.100.1 still answers port 22 of 198.51.100.1 still answers
      → portward apply portward apply portward apply portward apply portward apply portward apply

0 passed, 0 warnings, 1 failed: this server is NOT protected as config.env asks
`,
  ],
])('is readable at %d columns, as it is wrapped where it is written', (columns, expected) => {
  expect(wrap(renderChecks([long]), columns, 2)).toBe(expected)
})

it.each<[Check, string]>([
  [pass, '\u001b[32mpass\u001b[0m  '],
  [warn, '\u001b[33mWARN\u001b[0m  '],
  [fail, '\u001b[31mFAIL\u001b[0m  '],
  [skip, '\u001b[2mskip\u001b[0m  '],
])('colours each result: %#', (one, expected) => {
  expect(paint(render.renderChecks([one])).startsWith(expected)).toBe(true)
})

it('leaves out of an apply what has passed', () => {
  expect(renderProof([pass, warn, pass, skip])).toMatch(
    /^WARN .*\n.*\n +→ open a port\nskip .*\n.*\nverified: 2 passed/,
  )
})
