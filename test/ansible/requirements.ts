import { existsSync } from 'node:fs'
import { describe, test } from 'vitest'

/** `describe` for tests that need Debian packages; says loudly what it skips, and fails instead where CI=true. */
export const describeWith = (packages: Readonly<Record<string, string>>, name: string, body: () => void) => {
  const missing = Object.keys(packages).filter((path) => !existsSync(path))
  if (missing.length === 0) {
    describe(name, body)
    return
  }
  const install = [...new Set(missing.map((path) => packages[path]))].join(' ')
  const report = `"${name}" needs ${missing.join(', ')}: apt-get install ${install}`
  if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(report)
    })
    return
  }
  process.stderr.write(`\nSKIPPED: ${report}\n`)
  test.skip(name, () => {})
}
