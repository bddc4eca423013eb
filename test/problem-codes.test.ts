import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROBLEM_CODES } from '../src/problem-codes.ts'
import { checkout } from './checkout.ts'

const rows = Object.entries(PROBLEM_CODES)

const page = `# Problems

Each problem that portward reports has a code. It is in \`--json\`, in the annotations for GitHub and in the reports for
GitLab, and stays the same when the words of a message change.

<!-- From src/problem-codes.ts: npx vitest run --project unit test/problem-codes.test.ts --update -->

| code | title | what it means, and what to do |
|---|---|---|
${rows.map(([code, { title, explanation }]) => `| \`${code}\` | ${title} | ${explanation} |\n`).join('')}`

it('docs/problems.md explains every code', async () => {
  await expect(page).toMatchFileSnapshot(join(checkout, 'docs/problems.md'))
})

it.each(rows)('%s is kebab-case, with a short title and an explanation of one line', (code, description) => {
  expect(code).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
  expect(description.title).toMatch(/^[^|\n]{4,44}[^|\n.]$/)
  expect(description.explanation).toMatch(/^[^|\n]{40,240}\.$/)
})

it('is in order, so that a code is found', () => {
  expect(rows.map(([code]) => code)).toEqual(rows.map(([code]) => code).sort())
})
