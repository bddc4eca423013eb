import { expect, it } from 'vitest'
import { findUndoing } from '../../src/commands/execute.ts'
import { checkFor } from '../../src/verify/check.ts'

it('undoes an apply for what is not protected, and not for a timer whose last run failed', () => {
  const checks = [
    checkFor('timers').fail('the last run failed: portward-names', ''),
    checkFor('metrics').fail('older than 15 minutes', ''),
    checkFor('networks').fail('not named', ''),
    checkFor('boot').fail('not started at boot: fail2ban', ''),
    checkFor('names').warn('no good answer', ''),
  ]
  expect(findUndoing(checks).map(({ code }) => code)).toEqual(['boot'])
})
