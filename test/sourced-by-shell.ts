import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Every case in a shell of its own that can run builtins only; what it leaves behind in the directory is thrown away. */
const SCRIPT = `
i=0
while [ "$i" -lt "$COUNT" ]; do
  printf '#\\0'
  (
    exec 3>&1 >/dev/null 2>&1 </dev/null
    . "../cases/$i"
    exec >&3
    for name in $NAMES; do
      eval "[ -n \\"\\\${$name+x}\\" ] && printf '%s=%s\\\\0' \\"\\$name\\" \\"\\\${$name}\\""
    done
  )
  i=$((i + 1))
done
`

/**
 * What the machine's own `sh` has in the named variables after `. FILE`, for many files in one run. A shell
 * that refuses a file leaves nothing. Texts and values are latin1, one character a byte.
 */
export const sourcedByShell = (texts: readonly string[], names: readonly string[]): Map<string, string>[] => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-test-'))
  try {
    for (const name of ['cases', 'here']) mkdirSync(join(directory, name))
    for (const [index, text] of texts.entries())
      writeFileSync(join(directory, 'cases', `${index}`), text, 'latin1')
    // For texts that source another file in their turn.
    writeFileSync(join(directory, 'here', 'x'), '')
    const { stdout, error } = spawnSync('/bin/sh', ['-c', SCRIPT], {
      cwd: join(directory, 'here'),
      env: { PATH: '/nonexistent', LC_ALL: 'C', COUNT: `${texts.length}`, NAMES: names.join(' ') },
      encoding: 'latin1',
      maxBuffer: 1 << 28,
      timeout: 60_000,
    })
    if (error) throw error
    const results: Map<string, string>[] = []
    for (const field of stdout.split('\0').slice(0, -1)) {
      const equals = field.indexOf('=')
      if (field === '#') results.push(new Map())
      else if (equals !== -1) results.at(-1)?.set(field.slice(0, equals), field.slice(equals + 1))
    }
    if (results.length !== texts.length)
      throw new Error(`sh answered ${results.length} of ${texts.length} cases`)
    return results
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
