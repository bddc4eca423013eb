import { expect, it } from 'vitest'
import { type Problem, renderProblem } from '../src/problem.ts'

const at = { path: '/root/config.env' }

it.each<[string, Problem]>([
  [
    '/root/config.env:3: BANTIME is empty — write 1h',
    {
      severity: 'error',
      code: 'empty',
      message: 'BANTIME is empty',
      hint: 'write 1h',
      at: { ...at, line: 3 },
    },
  ],
  [
    '/root/config.env: warning: is old — renew it',
    { severity: 'warning', code: 'near-miss', message: 'is old', hint: 'renew it', at },
  ],
  [
    'cannot look at /root/config.env: EACCES — run portward as root',
    {
      severity: 'error',
      code: 'bad-config',
      message: 'cannot look at /root/config.env: EACCES',
      hint: 'run portward as root',
      at,
    },
  ],
])('has its path once: %s', (text, problem) => expect(renderProblem(problem)).toBe(text))
