import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from './checkout.ts'

const readme = readFileSync(join(checkout, 'README.md'), 'utf8')
const fences = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text)

it.each(['github-workflow.yml', 'gitlab-ci.yml'])('the README shows examples/ci/%s as it is', (name) => {
  expect(fences).toContain(readFileSync(join(checkout, 'examples/ci', name), 'utf8'))
})
