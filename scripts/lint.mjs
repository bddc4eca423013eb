// `npm run lint`: types, TypeScript, dead code, Python, shell and words. All of it runs, then it fails if any did.
// `npm run lint -- words ruff`: these alone. `npm run lint -- words --all`: also where scripts/words.json excuses a folder.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs'
import { parse } from 'smol-toml'
import { root } from './install.mjs'

const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
if (listed.status !== 0) throw new Error(`lint needs the files that git knows: ${listed.stderr}`)
const files = listed.stdout
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)))
  .filter(
    (path) => !/^(?:fixtures\/|(?:ansible\/)?LICENSE$|debian\/copyright$|package-lock\.json$)/.test(path),
  )
const asked = process.argv.slice(2).filter((name) => name !== '--all')
const isForAll = process.argv.includes('--all')

const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')

/** Runs a program with the terminal's own streams. */
const program = (/** @type {string} */ name, /** @type {string[]} */ ...args) =>
  spawnSync(name, args, { cwd: root, stdio: 'inherit' }).status === 0

/** Prints what was found, as path:line: message. */
const report = (/** @type {string[]} */ findings) => {
  for (const finding of findings) console.log(finding)
  return findings.length === 0
}

/**
 * The npm package takes texts, so paths are matched here, by name.
 * @typedef {{ format: { exclude: string[] }, lint: { 'per-file-ignores': Record<string, string[]> } }} RuffPaths
 * @typedef {import('@astral-sh/ruff-wasm-nodejs').Diagnostic} Diagnostic
 */
const ruff = () => {
  const options = parse(read('ruff.toml'))
  const { format, lint } = /** @type {RuffPaths} */ (/** @type {unknown} */ (options))
  const workspace = new Workspace(options, PositionEncoding.Utf16)
  return report(
    files
      .filter((path) => path.endsWith('.py'))
      .flatMap((path) => {
        const text = read(path)
        const ignored = lint['per-file-ignores'][path] ?? []
        /** @type {Diagnostic[]} */
        const diagnostics = workspace.check(text)
        const isFormatted = format.exclude.includes(path) || workspace.format(text) === text
        return [
          ...diagnostics
            .filter(({ code }) => code === null || !ignored.includes(code))
            .map(({ code, message, start_location: { row } }) => `${path}:${row}: ${code} ${message}`),
          ...(isFormatted ? [] : [`${path}: is not formatted as "ruff format" does it`]),
        ]
      }),
  )
}

/** Shell that portward generates, and that of the examples: test/templates/shellcheck.test.ts. */
const shellcheck = () => {
  if (spawnSync('shellcheck', ['--version']).error !== undefined) {
    console.error('\nSKIPPED: shellcheck is not installed: apt-get install shellcheck\n')
    return process.env['CI'] !== 'true'
  }
  const started = files.filter((path) => /^#!.*\b(?:ba|da)?sh\b/.test(read(path)))
  const sourced = files.filter((path) => path.endsWith('.sh') && !read(path).startsWith('#!'))
  const results = [program('shellcheck', ...started), program('shellcheck', '--shell=sh', ...sourced)]
  return results.every(Boolean)
}

/** The style page of CONTRIBUTING.md, as far as grep can see. */
const words = () => {
  /** @type {{ rules: { pattern: string, instead: string }[], unchecked: string[] }} */
  const { rules, unchecked } = JSON.parse(read('scripts/words.json'))
  const compiled = rules.map(({ pattern, instead }) => ({ pattern: new RegExp(pattern, 'gi'), instead }))
  const checked = files.filter(
    (path) =>
      path !== 'scripts/words.json' && (isForAll || !unchecked.some((start) => path.startsWith(start))),
  )
  return report(
    checked.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, index) =>
          compiled.flatMap(({ pattern, instead }) =>
            [...line.matchAll(pattern)].map(([found]) => `${path}:${index + 1}: "${found}": ${instead}`),
          ),
        ),
    ),
  )
}

/** @type {[string, () => boolean][]} */
const checks = [
  ['tsc', () => program('npx', '--no-install', 'tsc')],
  ['biome', () => program('npx', '--no-install', 'biome', 'check', '--error-on-warnings', '.')],
  ['knip', () => program('npx', '--no-install', 'knip')],
  ['ruff', ruff],
  ['shellcheck', shellcheck],
  ['words', words],
]
const unknown = asked.filter((name) => !checks.some(([known]) => known === name))
if (unknown.length > 0) throw new Error(`lint has no ${unknown.join(', ')}`)
const failed = checks
  .filter(([name]) => asked.length === 0 || asked.includes(name))
  .filter(([, check]) => !check())
  .map(([name]) => name)
console.log(failed.length === 0 ? 'lint: nothing found' : `lint: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
