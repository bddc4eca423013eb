import { posix } from 'node:path'
import { type Fail2banIni, type Fault, lowerKey, parseFail2banIni } from '../documents/fail2ban-ini.ts'
import { isTrue } from './fail2ban-values.ts'

/**
 * fail2ban's jail configuration as fail2ban sees it: files merged in reading order, [DEFAULT] beneath every jail, references
 * resolved. Authority: client/configreader.py and client/configparserinc.py of fail2ban 1.0 to 1.1. A file with a fault is
 * read as it was probably meant (fail2ban itself would not start), except for one that is not UTF-8, which fail2ban skips.
 * Values that filter.d would add as `%(known/…)s` are unknown here.
 */
export interface Fail2banView {
  /** In the order in which they were merged; a file that two others include comes twice. */
  readonly paths: readonly string[]
  readonly faults: readonly (Fault & { readonly path: string })[]
  readonly defaults: Values
  /** By name, in order of first appearance; `KNOWN/<name>` keeps what a later file replaced in `<name>`. */
  readonly sections: ReadonlyMap<string, Values>
}

/** By lower-cased key: the raw value, and the file and line (from 1) that set it last. */
type Values = ReadonlyMap<string, Origin>
interface Origin {
  readonly value: string
  readonly path: string
  readonly line: number
}

/**
 * `resolved` is false if a reference could not be resolved: it, or the whole value, is then as written. `fault` says why
 * fail2ban would not start because of it; null if the reference may be one that only a filter resolves.
 */
export interface Effective extends Origin {
  readonly resolved: boolean
  readonly fault: string | null
}

/** `path` is relative to fail2ban's directory: jail.conf, jail.d/x.local, paths-debian.conf. */
export interface ConfigFile {
  readonly path: string
  readonly text: string
}

/** Python's limit for nested references; fail2ban fails beyond it, also for cycles. */
const MAX_DEPTH = 10
/** Our limit, for values that double at every level. */
const MAX_STEPS = 10_000
/** Bytes of a value; no consumer accepts one near this length. */
const MAX_LENGTH = 1_000_000

type Layer = Pick<Fail2banView, 'defaults' | 'sections'>

/** The values behind `%(section/key)s`, `%(default/key)s` and `%(known/key)s` in this text, by `section/key`. */
const borrow = ({ defaults, sections }: Layer, section: string, text: string): [string, string][] =>
  [...text.matchAll(/%\((([\w-]+)\/([^)]+))\)s/g)].flatMap(([, name = '', from = '', key = '']) => {
    const other = sections.get(from.toLowerCase() === 'known' ? `KNOWN/${section}` : from)
    // From a section that does not exist nothing is borrowed; if one lacks the key, that of [DEFAULT] is.
    if (!other && !['known', 'default'].includes(from.toLowerCase())) return []
    const origin = (from.toLowerCase() === 'default' ? undefined : other?.get(key)) ?? defaults.get(key)
    return origin ? [[name, origin.value]] : []
  })

/** References that no file has to set: values of the filter or of other sections, and those that fail2ban adds itself. */
const isSetElsewhere = (name: string): boolean =>
  name.includes('/') || name === 'fail2ban_version' || name === 'fail2ban_confpath'

const interpolate = (
  layer: Layer,
  section: string,
  raw: string,
): Pick<Effective, 'value' | 'resolved' | 'fault'> => {
  if (!raw.includes('%')) return { value: raw, resolved: true, fault: null }
  const own = sectionOf(layer, section)
  let steps = 0
  let resolved = true
  let fault: string | null = null
  const expand = (text: string, names: ReadonlyMap<string, string>, depth: number): string | null => {
    steps += 1
    if (depth > MAX_DEPTH) fault = 'its references lead in a circle, or more than ten deep'
    if (depth > MAX_DEPTH || steps > MAX_STEPS) return null
    const isTaken = (name: string) => names.has(name) || own?.has(name) || layer.defaults.has(name)
    const borrowed = borrow(layer, section, text).filter(([name]) => !isTaken(name))
    const known = new Map([...names, ...borrowed, ['__name__', section]])
    let result = ''
    for (const [token, name] of text.matchAll(/[^%]+|%%|%\(([^)]+)\)s|%/g)) {
      if (token === '%') {
        fault = 'a single "%" is not allowed: write "%%"'
        return null
      }
      const key = name === undefined ? '' : lowerKey(name)
      const value = known.get(key) ?? own?.get(key)?.value ?? layer.defaults.get(key)?.value
      if (name === undefined) result += token === '%%' ? '%' : token
      else if (value === undefined) {
        resolved = false
        if (!isSetElsewhere(key)) fault ??= `it refers to %(${name})s, which nothing sets`
        result += token
      } else {
        const expanded = value.includes('%') ? expand(value, known, depth + 1) : value
        if (expanded === null) return null
        result += expanded
      }
      if (result.length > MAX_LENGTH) return null
    }
    return result
  }
  const value = expand(raw, new Map(), 1)
  return value === null ? { value: raw, resolved: false, fault } : { value, resolved, fault }
}

const sectionOf = ({ sections }: Layer, name: string): Values | undefined =>
  name === 'DEFAULT' ? new Map() : sections.get(name)

const lookUp = (layer: Layer, section: string, key: string): Effective | undefined => {
  const own = sectionOf(layer, section)
  const lower = lowerKey(key)
  const origin = own && (own.get(lower) ?? layer.defaults.get(lower))
  return origin && { ...origin, ...interpolate(layer, section, origin.value) }
}

/** The effective value of `key` in a jail (or in DEFAULT), and the file and line that set it. Undefined if nothing sets it. */
export const effective = (view: Fail2banView, jail: string, key: string): Effective | undefined =>
  lookUp(view, jail, key)

/** Names of all jails, in fail2ban's order. */
export const allJails = (view: Fail2banView): string[] =>
  [...view.sections.keys()].filter((name) => name !== 'INCLUDES' && !name.startsWith('KNOWN/'))

/** Names of the jails that fail2ban would start, in its order. */
export const enabledJails = (view: Fail2banView): string[] =>
  allJails(view).filter((name) => {
    const enabled = lookUp(view, name, 'enabled')
    return enabled?.resolved === true && isTrue(enabled.value)
  })

interface Mutable {
  readonly defaults: Map<string, Origin>
  readonly sections: Map<string, Map<string, Origin>>
}

/** A plan views the same files several times, and jail.conf alone has a thousand lines. */
const parsed = new Map<string, Fail2banIni>()
const MOST_PARSED = 200

const parse = (text: string): Fail2banIni => {
  const known = parsed.get(text)
  if (known !== undefined) return known
  if (parsed.size >= MOST_PARSED) parsed.clear()
  const ini = parseFail2banIni(text)
  parsed.set(text, ini)
  return ini
}

const readFile = ({ path, text }: ConfigFile): Mutable & Pick<Fail2banView, 'faults'> => {
  const { sections, faults } = parse(text)
  const result: Mutable = { defaults: new Map(), sections: new Map() }
  for (const { name, entries } of sections) {
    if (name === undefined) continue
    const values = name === 'DEFAULT' ? result.defaults : (result.sections.get(name) ?? new Map())
    for (const { key, value, line } of entries) values.set(key, { value, path, line })
    if (name !== 'DEFAULT') result.sections.set(name, values)
  }
  return { ...result, faults: faults.map((fault) => ({ ...fault, path })) }
}

const merge = (target: Mutable, layer: Layer): void => {
  for (const [key, origin] of layer.defaults) target.defaults.set(key, origin)
  for (const [header, own] of layer.sections) {
    // [name?condition] sets `key?condition` in [name]
    const [, name = header, condition = ''] = /^(\w+)(\?.+)$/s.exec(header) ?? []
    const values = [...own].map(([key, origin]) => [key + condition, origin] as const)
    const present = target.sections.get(name)
    if (present) {
      const known = target.sections.get(`KNOWN/${name}`) ?? new Map()
      for (const [key] of values) if (present.has(key)) known.set(key, present.get(key))
      target.sections.set(`KNOWN/${name}`, known)
    }
    const merged = present ?? new Map()
    for (const [key, origin] of values) merged.set(key, origin)
    target.sections.set(name, merged)
  }
}

const local = (path: string): string => {
  const { dir, name } = posix.parse(path)
  return posix.join(dir, `${name}.local`)
}

const resolveInclude = (from: string, name: string): string =>
  name.startsWith('/')
    ? posix.normalize(name).replace(/^\/etc\/fail2ban\//, '')
    : posix.normalize(posix.join(posix.dirname(from), name))

/**
 * Merges the jail files, in fail2ban's order, with those that they include; or, for `fail2ban`, fail2ban.conf and its
 * companions. Files that fail2ban does not read are ignored.
 */
export const viewFail2ban = (
  files: readonly ConfigFile[],
  base: 'jail' | 'fail2ban' = 'jail',
): Fail2banView => {
  const contents = new Map(files.map((file) => [file.path, readFile(file)]))
  const reached = new Set<string>()
  /** Each path, followed by its .local unless the list has that, too. */
  const withLocals = (paths: readonly string[]): string[] =>
    paths.flatMap((path) => (paths.includes(local(path)) ? [path] : [path, local(path)]))
  const withIncludes = (path: string, parents: readonly string[]): string[] => {
    const content = contents.get(path)
    if (!content) return []
    reached.add(path)
    if (content.faults.some(({ kind }) => kind === 'not-utf8')) return []
    const included = (key: string): string[] => {
      const list = lookUp(content, 'INCLUDES', key)
      return (
        (list?.resolved ? list.value.split('\n') : [])
          .filter((name) => name !== '')
          .map((name) => resolveInclude(path, name))
          .filter((other) => !parents.includes(other))
          .flatMap((other) => withLocals([other]))
          // fail2ban looks for loops before it adds the .local, and runs into its own recursion limit
          .filter((other) => parents.filter((parent) => parent === other).length < 2)
          .flatMap((other) => withIncludes(other, [...parents, path]))
      )
    }
    return [...included('before'), path, ...included('after')]
  }
  const inDirectory = (extension: string): string[] =>
    [...contents.keys()]
      .filter(
        (path) => posix.dirname(path) === `${base}.d` && /\.d\/[^.]/.test(path) && path.endsWith(extension),
      )
      .sort()
  const top = [...[`${base}.conf`, ...inDirectory('.conf')], ...[`${base}.local`, ...inDirectory('.local')]]
  const existing = top.filter((path) => contents.has(path))
  const paths = withLocals(existing).flatMap((path) => withIncludes(path, []))
  const view: Mutable = { defaults: new Map(), sections: new Map() }
  for (const path of paths) merge(view, contents.get(path) as Layer)
  const faults = [...reached].flatMap((path) => contents.get(path)?.faults ?? [])
  return { ...view, paths, faults }
}
