import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Description, PROBLEM_CODES } from '../src/problem-codes.ts'
import { CHECK_CODES } from '../src/verify/check-codes.ts'
import { checkout } from './checkout.ts'

const problems = Object.entries(PROBLEM_CODES)
const checks = Object.entries(CHECK_CODES)

const table = (rows: readonly (readonly [code: string, description: Description])[]) =>
  rows
    .map(([code, { title, meaning, action }]) => `| \`${code}\` | ${title} | ${meaning} ${action} |\n`)
    .join('')

const page = `# Problems

Each problem that portward reports has a code. It is in \`--json\`, in the annotations for GitHub and in the reports for
GitLab, and stays the same when the words of a message change. \`portward explain-problem CODE\` prints what is here.

<!-- From src/problem-codes.ts and src/verify/check-codes.ts: npx vitest run --project unit test/problem-codes.test.ts --update -->

| code | title | what it means, and what to do |
|---|---|---|
${table(problems)}
## Checks of verify

| code | what is checked | what it means if that is not so, and what to do |
|---|---|---|
${table(checks)}`

it('docs/problems.md explains every code', async () => {
  await expect(page).toMatchFileSnapshot(join(checkout, 'docs/problems.md'))
})

it.each<readonly [string, Description]>([...problems, ...checks])(
  '%s is kebab-case, and says in a sentence each what it means and what to do',
  (code, description) => {
    expect(code).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    for (const text of [description.meaning, description.action]) expect(text).toMatch(/^[A-Z\w][^|\n]+\.$/)
    expect(`${description.meaning} ${description.action}`).toMatch(/^.{40,240}$/)
  },
)

it.each(problems)('%s has a short title', (_, { title }) => {
  expect(title).toMatch(/^[^|\n]{4,44}[^|\n.]$/)
})

it.each([
  ['problems', problems],
  ['checks', checks],
] as const)('the %s are in order, so that a code is found', (_, rows) => {
  const codes = rows.map(([code]) => code)
  expect(codes).toEqual([...codes].sort())
})

it('a code is that of a problem or of a check, not of both', () => {
  expect(checks.filter(([code]) => code in PROBLEM_CODES)).toEqual([])
})
