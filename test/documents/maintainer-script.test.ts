import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHereDocuments } from '../../src/documents/maintainer-script.ts'

type Files = readonly (readonly [path: string, text: string])[]

const TABLE: readonly (readonly [what: string, script: string, files: Files])[] = [
  ['nothing', '', []],
  ['a file', 'cat > f <<EOF\na\n\n b\nEOF\n', [['f', 'a\n\n b\n']]],
  ['an empty file', 'cat > f <<EOF\nEOF\n', [['f', '']]],
  ['no blanks', 'cat >f<<E\nx\nE', [['f', 'x\n']]],
  ['indented', 'if true; then\n\tcat > f <<EOF\n\tx\nEOF\nfi\n', [['f', '\tx\n']]],
  ['a terminator must stand alone', 'cat > f <<EOF\n EOF\nEOF x\nEOF\n', [['f', ' EOF\nEOF x\n']]],
  ['a variable', 'M="tcp"\ncat > f <<EOF\nA="$M" ${M}s\nEOF\n', [['f', 'A="tcp" tcps\n']]],
  ['a bare variable', 'M=tcp\ncat > f <<EOF\n$M.$M\nEOF\n', [['f', 'tcp.tcp\n']]],
  ['a path in a variable', 'F=f\ncat > "$F" <<EOF\nx\nEOF\n', [['f', 'x\n']]],
  ['quoted', "cat > f <<'EOF'\n$M `x` \\$ \\\\\nEOF\n", [['f', '$M `x` \\$ \\\\\n']]],
  ['double-quoted', 'cat > f <<"EOF"\n$M\\\nx\nEOF\n', [['f', '$M\\\nx\n']]],
  ['escapes', 'cat > f <<EOF\n\\$M \\`x\\` \\\\ \\n \\"\nEOF\n', [['f', '$M `x` \\ \\n \\"\n']]],
  ['a joined line', 'cat > f <<EOF\na\\\nb\nEOF\n', [['f', 'ab\n']]],
  ['two files', 'cat > f <<A\n1\nA\ncat > g <<A\n2\nA\n', [['f', '1\n'], ['g', '2\n']]],
  ['the same file twice', 'cat > f <<A\n1\nA\ncat > f <<A\n2\nA\n', [['f', '2\n']]],
  ['the value so far', 'M=1\ncat > f <<A\n$M\nA\nM=2\ncat > g <<A\n$M\nA\n', [['f', '1\n'], ['g', '2\n']]],
  ['a value made of others', 'A=1\nB="x$A"\nB="$B y"\ncat > f <<E\n$B\nE\n', [['f', 'x1 y\n']]],
  ['a function, where it is called', 'n() {\n  B="$A"\n}\nA=1\nn\nA=2\ncat > f <<E\n$B\nE\n', [['f', '1\n']]],
  ['a file from a function', 'n() {\n  cat > f <<E\n$A\nE\n}\nA=1\nn\n', [['f', '1\n']]],
  ['a function that is not called', 'n() {\n  cat > f <<E\nx\nE\n}\n', []],
  ["dpkg's root", 'cat > "${DPKG_ROOT}f" <<E\nx\nE\n', [['f', 'x\n']]],
  ['what looks like an assignment in a file', 'M=1\ncat > f <<A\nM=2\nA\ncat > g <<A\n$M\nA\n', [['f', 'M=2\n'], ['g', '1\n']]],
  ['what looks like a here-document in a file', 'cat > f <<A\ncat > g <<B\nA\n', [['f', 'cat > g <<B\n']]],
] // biome-ignore format: a table

const UNFORESEEN: readonly (readonly [what: string, script: string])[] = [
  ['a substitution', 'cat > f <<EOF\n$(x)\nEOF\n'],
  ['backticks', 'cat > f <<EOF\n`x`\nEOF\n'],
  ['an unknown variable', 'cat > f <<EOF\n$M\nEOF\n'],
  ['an expansion', 'M=1\ncat > f <<EOF\n${M:-x}\nEOF\n'],
  ['a parameter', 'cat > f <<EOF\n$1\nEOF\n'],
  ['a computed variable', 'M=$(x)\ncat > f <<EOF\n$M\nEOF\n'],
  ['a variable computed in the end', 'M=1\nM=$(x)\ncat > f <<EOF\n$M\nEOF\n'],
]

const OUT_OF_REACH: readonly (readonly [what: string, script: string])[] = [
  ['an unknown path', 'cat > "$F" <<EOF\nx\nEOF\n'],
  ['no terminator', 'cat > f <<EOF\nx\n'],
  ['appending', 'cat >> f <<EOF\nx\nEOF\n'],
  ['another command', 'tee f <<EOF\nx\nEOF\n'],
  ['a comment', '# cat > f <<EOF\nx\nEOF\n'],
  ['a pipe', 'cat > f <<EOF | x\nx\nEOF\n'],
]

describe('readHereDocuments', () => {
  it.each(TABLE)('%s', (_, script, files) => expect([...readHereDocuments(script)]).toEqual(files))
  it.each(UNFORESEEN)('names the file, not the text, over %s', (_, script) =>
    expect([...readHereDocuments(script)]).toEqual([['f', null]]),
  )
  it.each(OUT_OF_REACH)('leaves out %s', (_, script) => expect([...readHereDocuments(script)]).toEqual([]))

  it('gives what sh writes', () => {
    for (const [what, script, files] of TABLE) {
      const cwd = mkdtempSync(join(tmpdir(), 'portward-test-'))
      try {
        spawnSync('/bin/sh', ['-c', script], { cwd })
        const written = files.map(([path]) => [path, readFileSync(join(cwd, path), 'latin1')])
        expect([what, written]).toEqual([what, files])
      } finally {
        rmSync(cwd, { recursive: true, force: true })
      }
    }
  })

  it('never throws', () => {
    const piece = fc.constantFrom(
      'cat > f <<E',
      'E',
      '\n',
      '\n',
      '$M',
      '${',
      '`',
      '\\',
      '"',
      "'",
      'M=1',
      ' ',
      '<<',
      '\0',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        for (const path of readHereDocuments(pieces.join('')).keys()) expect(path).not.toBe('')
      }),
    )
  })

  const many = 200_000
  it.each([
    ['blanks', ' '.repeat(many)],
    ['commands without an end', 'cat > f <<E\n'.repeat(many / 12)],
    ['commands with an end', 'cat > f <<E\nE\n'.repeat(many / 14)],
    ['assignments', 'M=1\n'.repeat(many / 4)],
    ['a quoted value', `M="${'x '.repeat(many / 2)}`],
    ['names', `cat > ${'"'.repeat(many)}`],
    ['dollars', `cat > f <<E\n${'${M'.repeat(many / 3)}\nE\n`],
  ])('200 kB of %s come to an end', (_, hostile) => {
    expect(readHereDocuments(hostile).size).toBeLessThanOrEqual(1)
  })
})
