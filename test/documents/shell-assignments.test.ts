import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import {
  parseShellAssignments,
  readVariables,
  removeCarriageReturns,
  setVariable,
} from '../../src/documents/shell-assignments.ts'
import { isReplay, runs } from '../fast-check.ts'
import { batchOf } from '../fuzz/arbitraries.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'

const get = (text: string, name = 'A') => readVariables(text).get(name)
const set = (text: string, name: string, value: string) =>
  applyEdits(text, setVariable(parseShellAssignments(text), name, value))

/** Texts and what A is after sourcing them; undefined: unset, or only a shell could tell. */
const READ: readonly (readonly [text: string, value: string | undefined])[] = [
  ['', undefined],
  ['A=1', '1'],
  ['A=1\n', '1'],
  ['A="1"\n', '1'],
  ["A='1'\n", '1'],
  ['A=\n', ''],
  ['A=""\n', ''],
  ['  \tA=1\n', '1'],
  ['#A=1\n', undefined],
  ['A=1 # x\n', '1'],
  ['A=1#x\n', '1#x'],
  ['A="1 # x"\n', '1 # x'],
  ['A="a \\"b\\" \\$c \\`d\\` \\\\ \\e"\n', 'a "b" $c `d` \\ \\e'],
  ["A='a \\'\n", 'a \\'],
  ['A=a\\ b\\"\\$\n', 'a b"$'],
  ['A=a"b"\'c\'d\n', 'abcd'],
  ['A="a\nb"\n', 'a\nb'],
  ['A="a\\\nb"\n', 'ab'],
  ['A=a\\\nb\n', undefined],
  ["A='a\\\nb'\n", 'a\\\nb'],
  ['A=1 \\\nB=2\n', undefined],
  ['\\\nA=1\n', undefined],
  ['A=1\\\n#x\n', undefined],
  ['# x \\\nA=1\n', '1'],
  ['A=1\nA=2\n', '2'],
  ['A=1 A=2\n', '2'],
  ['A=1; A=2\n', '2'],
  ['A=1;B=2;\n', '1'],
  ['A=1 &\n', undefined],
  ['A=1\nB=2 &\n', undefined],
  ['export A=1\n', '1'],
  ['export B A=1 C\n', '1'],
  ['A=1\nexport A\n', '1'],
  ['readonly A=1\n', undefined],
  ['readonly A=1\nA=2\n', undefined],
  ['readonly A\nA=2\n', undefined],
  ['A=1\r\n', '1\r'],
  ['A="1"\r\nB=2\r\n', '1\r'],
  ['A=1\rB=2\n', '1\rB=2'],
  ['A=$B\n', undefined],
  ['A=$(x)\n', undefined],
  ['A=`x`\n', undefined],
  ['A="$(echo "x y")" B=1\n', undefined],
  ['A=1 B=$(x "y)" z)\n', undefined],
  ['A=1 B=${X:-"y }" z}\n', undefined],
  ['A=~\n', undefined],
  ['A=*\n', '*'],
  ['A=a=b\n', 'a=b'],
  ['A+=1\n', undefined],
  ['A=1\nA+=1\n', undefined],
  ['A =1\n', undefined],
  ['"A"=1\n', undefined],
  ['A=1 true\n', undefined],
  ['A=1\nA=2 true\n', undefined],
  ['A=1\nB=2 export C=3\n', undefined],
  ['A=1 export C=3\n', undefined],
  ['A=1\nA=2 >/dev/null\n', undefined],
  ['A=1\necho x\n', '1'],
  ['A=1\n[ -n x ]\n', '1'],
  ['A=1\n:\n', '1'],
  ['A=1\n: ${A:=2}\n', undefined],
  ['B=$C\nexport D=$E\nA=1\n', undefined],
  ['export A=1 2\n', undefined],
  ['A=1\nexport =x\n', undefined],
  ['B=2 exit\nA=1\n', undefined],
  ['$B exit\nA=1\n', undefined],
  ['A=1\n>\n', undefined],
  [': <y\nA=1\n', undefined],
  ['echo x >&2\nA=1\n', undefined],
  ['f() A=1\n', undefined],
  ['A=1\n=f() { :; }\n', undefined],
  ['A=1\nB=$$(true)\n', undefined],
  ['A=1\nB="$$ $#(true)"$(true)\n', undefined],
  ['(true) A=1\n', undefined],
  ['A=1\nB=${C?}\n', undefined],
  ['A=1\nB=${}\n', undefined],
  ['A=1\nB=$((A=2))\n', undefined],
  ['A=1\nunset A\n', undefined],
  ['A=1\nread A\n', undefined],
  ['A=1\neval A=2\n', undefined],
  ['A=1\n. ./x\n', undefined],
  ['. ./x\nA=1\n', '1'],
  ['set -a\nA=1\nset +a\nB=2', '1'],
  ['set -a\nA=1\n', '1'],
  ['set -n\nA=1\n', undefined],
  ['A=1\nreturn\nA=2\n', undefined],
  ['A=1\nexit 0\n', undefined],
  ['if true; then A=1; fi\n', undefined],
  ['A=1\nif true; then A=2; fi\n', undefined],
  ['if true; then B=2; fi\nA=1\n', '1'],
  ['if true; then\n  B=2\nelse\n  B=3\nfi\nA=1\n', '1'],
  ['A=1\nif true; then B=2; fi\n', '1'],
  ['{ A=1; }\n', undefined],
  ['(A=1)\n', undefined],
  ['A=1\n(A=2)\n', undefined],
  ['(B=1); A=1\n', undefined],
  ['f() { A=1; }\n', undefined],
  ['f() { A=2; }\nA=1\n', undefined],
  ['A=1\nf() { A=2; }\nf\n', undefined],
  ['case x in x) A=1 ;; esac\n', undefined],
  ['case x in x) B=1 ;; esac\nA=1\n', undefined],
  ['for A in 1 2; do :; done\n', undefined],
  ['A=1\nfor A in 2; do :; done\n', undefined],
  ['true && A=1\n', undefined],
  ['A=1 && B=1\n', '1'],
  ['true &&\nA=1\n', undefined],
  ['true &&\n# x\n\nA=1\n', undefined],
  ['A=1 | true\n', undefined],
  ['A=1 || true\n', '1'],
  ['! A=1\n', undefined],
  ['A=(1 2)\n', undefined],
  ['A=1\nB="\n', undefined],
  ["A=1\nB='\n", undefined],
  ['A=1\nB=$(\n', undefined],
  ['A=1\nB=${\n', undefined],
  ['A=1\nB=`\n', undefined],
  ['A=1\n)\n', undefined],
  ['A=1\n(\n', undefined],
  ['A=1\nfi\n', undefined],
  ['A=1\nthen\n', undefined],
  ['A=1\nif true\n', undefined],
  ['A=1\nif true; then true | fi\n', undefined],
  ['A=1\nif true; then true && true; fi\n', '1'],
  ['A=1;;\n', undefined],
  [';A=1\n', undefined],
  ['A=1\n&& true\n', undefined],
  ['A=1 &&', undefined],
  ['A=1\ncat <<E\nA=2\nE\n', undefined],
  ['A=1\0\n', undefined],
  ['A=\xe4\x81\xff\n', '\xe4\x81\xff'],
  ['AA=1\nxA=2\nA=3\nA_=4\n', '3'],
  ['A=1 B=$(hostname -f)\n', '1'],
  ['A=1 B="${X:-y} $(x y)"\n', '1'],
  ['B=$C\nexport B\nA=1\n', '1'],
  ['if true; then\n  B=2\nelif false; then B=4\nelse\n  if true; then B=3; fi\nfi\nA=1\n', '1'],
  ['if true; then B=2; fi && A=1\n', undefined],
  ['if true; then B=2; else B=3; else B=4; fi\nA=1\n', undefined],
  ['if true; then B=2; fi A=1\n', undefined],
  ['if true && then B=2; fi\nA=1\n', undefined],
  ['A=1 B=$(if)\n', undefined],
]

describe('readVariables', () => {
  it.each(READ)('%j has A = %j', (text, value) => expect(get(text)).toBe(value))

  it('says no value that sh does not say', { timeout: 30_000 }, () => {
    const sourced = sourcedByShell(
      READ.map(([text]) => text),
      ['A'],
    )
    for (const [index, [text, value]] of READ.entries()) {
      if (value !== undefined) expect([text, sourced[index]?.get('A')]).toEqual([text, value])
    }
  })

  it('knows the line', () => {
    const file = parseShellAssignments('# x\nB="1\n2"\nC=3\n\nA=1\n')
    expect(file.assignments.map(({ name, line }) => [name, line])).toEqual([
      ['B', 2],
      ['C', 4],
      ['A', 6],
    ])
  })
})

describe('setVariable', () => {
  it.each<[string, string, string]>([
    ['', 'x', 'A="x"\n'],
    ['A=x\n', 'x', 'A=x\n'],
    ['A="x"\n', 'x', 'A="x"\n'],
    ['A=1\n', 'x', 'A="x"\n'],
    ['A="1" # why\nB=2\n', 'x', 'A="x" # why\nB=2\n'],
    ['A=1\nA=2\n', 'x', 'A=1\nA="x"\n'],
    ['A=2\nA=x\n', 'x', 'A=2\nA=x\n'],
    ['export A=1', 'x', 'export A="x"'],
    ['B=1;A=2;C=3\n', 'x', 'B=1;A="x";C=3\n'],
    ['A=\n', 'x', 'A="x"\n'],
    ['A=1\n', '', 'A=""\n'],
    ['A=$(date +%s)\n', 'x', 'A="x"\n'],
    ['A="$(date)"${Z:-1}"a"b # c\n', 'x', 'A="x" # c\n'],
    ['A=1\n', 'a "b" $c', 'A=\'a "b" $c\'\n'],
    ['A=1\n', `it's $c`, `A='it'\\''s $c'\n`],
    ['A=1\n', `it's`, `A="it's"\n`],
    ['A=1\n', 'a\\b', "A='a\\b'\n"],
    ['B=1\n', 'x', 'B=1\nA="x"\n'],
    ['B=1', 'x', 'B=1\nA="x"\n'],
    ['#A=1\nB=1\n', 'x', '#A=1\nA="x"\nB=1\n'],
    ['# A="y"\n#A=1\nB=1\n', 'x', '# A="y"\n#A=1\nA="x"\nB=1\n'],
    ['B=1\n#A=1', 'x', 'B=1\n#A=1\nA="x"\n'],
    ['#A=1\nif true; then A=2; fi\n', 'x', '#A=1\nif true; then A=2; fi\nA="x"\n'],
    ['if true; then\n#A=1\nB=1\nfi\n', 'x', 'if true; then\n#A=1\nB=1\nfi\nA="x"\n'],
    ['B="\n#A=1\n"\n', 'x', 'B="\n#A=1\n"\nA="x"\n'],
    ['#A=1\n. ./x\n', 'x', '#A=1\n. ./x\nA="x"\n'],
    ['A=x\n. ./y\n', 'x', 'A=x\n. ./y\nA="x"\n'],
  ])('%j to %j gives %j', (text, value, expected) => {
    expect(set(text, 'A', value)).toBe(expected)
    expect(get(expected)).toBe(value)
    expect(setVariable(parseShellAssignments(expected), 'A', value)).toEqual([])
  })

  it.each(['B="', 'exit 0\n', 'cat <<E\n', 'if true\n', 'B=1 &&'])(
    'does not claim to have set what a shell would not read: %j',
    (text) => expect(get(set(text, 'A', 'x'))).toBe(undefined),
  )
})

describe('removeCarriageReturns', () => {
  it.each([
    ['', ''],
    ['A=1\r\nB=2\n', 'A=1\nB=2\n'],
    ['A=1\r\r\n', 'A=1\n'],
    ['\r\n', '\n'],
    ['A=1\r', 'A=1'],
  ])('%j becomes %j', (text, expected) =>
    expect(applyEdits(text, removeCarriageReturns(text))).toBe(expected),
  )
})

describe('laws', () => {
  const piece = fc.constantFrom(
    'A=', 'A=', 'B=', 'A=1', 'A=2', 'B=3', 'export ', 'readonly ', '"', '"', "'", '\\', '\\\n', '\n', '\n', '\n', ' ', ' ', '\t', ';', ';',
    '#', '#A=1', '$', '$(true)', '${x}', ')', '(', '`true`', '${x:-y "z}"}', '${x?}', '~', '*', '=', '\r\n', '\r', 'x', '1',
    ' && ', ' || ', ' | ', ' & ', 'true', 'false', ': ', '>', '<', '<<E', '\nE\n', 'unset A', '$A', '$((A=5))', '${A:=7}', '\xe4', '\x88',
    'A="1 2"', "B='$x'", 'set -', 'exit', 'return', ';;',
  ) // biome-ignore format: a table
  const half = fc.constantFrom(
    'if ', 'then ', 'else ', '; fi\n', '! ', 'case x in ', 'esac', '{ ', '; }\n', '}', 'for A in ', '; do ', '; done\n', 'f() ', '${', '$(', '`',
  ) // biome-ignore format: a table
  /** Compound commands whole, since only a shell's own grammar could tell what is wrong with halves of them. */
  const whole = fc.constantFrom(
    'if true; then A=3; fi\n', 'if false; then B=3; else A=4\nfi; ', 'case x in x) A=3;; y) B=4 ;; esac\n', '{ A=3; }\n', '(B=3)\n',
    'for A in 1 2; do B=3; done\n', 'while false; do A=1; done\n', 'f() { A=9; }\n', 'f\n', '! A=4\n', 'B=3 && ', '|| A=4\n',
  ) // biome-ignore format: a table
  const join = (part: fc.Arbitrary<string>) =>
    fc.array(part, { maxLength: 14 }).map((parts) => parts.join(''))
  const shell = join(fc.oneof({ weight: 9, arbitrary: piece }, { weight: 1, arbitrary: whole }))
  const torn = join(fc.oneof(piece, half))
  const tame = fc
    .array(
      fc.tuple(
        fc.constantFrom('', '', '', 'export ', '  ', '# ', 'B=2 ', 'true; ', 'true && '),
        fc.constantFrom('A=', 'A=', 'B=', 'A =', 'AA='),
        fc.constantFrom('1', '"1 2"', "'a\\'", '"a\\"b"', 'a\\ b', '', '"a\\\nb"', '"a\nb"', '$B', '"#"', 'a#b', "it\\'s", '"\\q\\$"', '"a"\'b\'c'),
        fc.constantFrom('', '', '; B=4', ' # c', ' B=5', ' \\\n', '\r', ' && B=6', ';'),
        fc.constantFrom('\n', '\n', '\n\n', '\n', ''),
      ),
      { maxLength: 5 },
    )
    .map((lines) => lines.map((parts) => parts.join('')).join('')) // biome-ignore format: a table
  const bytes = fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })
    .map((codes) => codes.map((code) => String.fromCharCode(code)).join(''))
  const value = fc.string({
    unit: fc.constantFrom('a', ' ', '"', "'", '$', '`', '\\', '#', '~', '\xe4', '%'),
  })

  it('whatever it says, sh says too', () => {
    let said = 0
    fc.assert(
      fc.property(batchOf(fc.oneof(shell, shell, tame), 1000), (texts) => {
        const claims = texts.flatMap((text) => {
          const claimed = ['A', 'B'].flatMap((name) => {
            const value = get(text, name)
            return value === undefined ? [] : [[name, value]]
          })
          return claimed.length === 0 ? [] : [{ text, claimed }]
        })
        const sourced = sourcedByShell(
          claims.map(({ text }) => text),
          ['A', 'B'],
        )
        said += claims.length
        const found = claims.map(({ text, claimed }, index) => ({
          text,
          claimed: claimed.map(([name = '']) => [name, sourced[index]?.get(name)]),
        }))
        expect(found).toEqual(claims)
      }),
      { numRuns: runs(10) },
    )
    if (!isReplay) expect(said).toBeGreaterThan(runs(4) * 75)
  })

  it('what is set, sh sees', () => {
    let seen = 0
    fc.assert(
      fc.property(batchOf(fc.tuple(fc.oneof(shell, tame, tame), value), 600), (cases) => {
        const changed = cases.map(([text, wanted]) => ({ text: set(text, 'A', wanted), wanted }))
        const done = changed.filter(({ text, wanted }) => get(text) === wanted)
        const sourced = sourcedByShell(
          done.map(({ text }) => text),
          ['A'],
        )
        seen += done.length
        expect(done.map(({ text }, index) => ({ text, wanted: sourced[index]?.get('A') }))).toEqual(done)
      }),
      { numRuns: runs(4) },
    )
    if (!isReplay) expect(seen).toBeGreaterThan(runs(4) * 75)
  })

  it('set then get, unless a shell would refuse the file; twice is once; the rest stays', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, shell, torn, tame), value, (text, wanted) => {
        const file = parseShellAssignments(text)
        const edits = setVariable(file, 'A', wanted)
        expect(edits.length).toBeLessThanOrEqual(1)
        const after = applyEdits(text, edits)
        const again = parseShellAssignments(after)
        for (const { offset, length } of edits) {
          expect(after.startsWith(text.slice(0, offset))).toBe(true)
          expect(after.endsWith(text.slice(offset + length))).toBe(true)
        }
        if (file.unreadLine === null) {
          expect(get(after)).toBe(wanted)
          const others = (one: typeof file) => one.assignments.filter(({ name }) => name !== 'A').length
          expect(others(again)).toBe(others(file))
        }
        if (get(after) === wanted) expect(setVariable(again, 'A', wanted)).toEqual([])
      }),
      { numRuns: runs(3000) },
    )
  })

  const many = 200_000
  it.each<[string, string]>([
    ['blanks', `A=1${' '.repeat(many)}`],
    ['open substitutions', '$('.repeat(many / 2)],
    ['open braces', 'A="${'.repeat(many / 5)],
    ['open backticks', '`$('.repeat(many / 3)],
    ['nested quotes', '"$("'.repeat(many / 4)],
    ['lines with substitutions', 'A=$(x\n'.repeat(many / 6)],
    ['commands', 'A=1\nx\n'.repeat(many / 6)],
    ['words', 'A=1 '.repeat(many / 4)],
    ['semicolons', ';'.repeat(many)],
    ['parentheses', '('.repeat(many)],
    ['keywords', 'if '.repeat(many / 3)],
    ['comments', '#A=1\n'.repeat(many / 5)],
    ['hashes', `#${' '.repeat(many)}`],
    ['backslashes', '\\'.repeat(many)],
    ['continuations', '\\\n'.repeat(many / 2)],
    ['expansions', '${A='.repeat(many / 4)],
    ['closed substitutions', 'A=$(x)\n'.repeat(many / 7)],
  ])('200 kB of %s come to an end', (_, hostile) => {
    expect(typeof set(hostile, 'B', 'x')).toBe('string')
  })
})
