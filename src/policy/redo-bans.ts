import { splitRule } from './bans.ts'

/** The rules of INPUT in order, as `iptables -S INPUT` and `ip6tables -S INPUT` print them. */
export interface InputRules {
  readonly iptables: readonly string[]
  readonly ip6tables: readonly string[]
}

/** The rules in what `iptables -S INPUT` prints, without its policy. */
export const parseInputRules = (text: string): string[] =>
  text.split('\n').filter((line) => line.startsWith('-A INPUT '))

/** A rule by its words, the chain and the command left out. */
const keyOf = (words: readonly string[]): string => words.join('\0')
const keyOfRule = (rule: string): string => keyOf(splitRule(rule).slice(2))

/** Identical rules told apart: which copy of its kind each one is, the last of them being the first. */
const numberedFromEnd = (keys: readonly string[]): string[] => {
  const seen = new Map<string, number>()
  const number = (key: string): string => {
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    return `${count} ${key}`
  }
  return [...keys].reverse().map(number).reverse()
}

/**
 * Where rules that are gone have to be inserted, one after the other, to stand where they stood: behind the nearest rule
 * ahead of them that is still there, else ahead of the nearest one behind them. Positions count from 1.
 */
const placeRules = (
  before: readonly string[],
  now: readonly string[],
  lost: ReadonlySet<string>,
): { readonly key: string; readonly position: number }[] => {
  // `-D` takes the first of several copies, so that they are counted from the end.
  const current = numberedFromEnd(now)
  const was = numberedFromEnd(before)
  const placed: { key: string; position: number }[] = []
  for (const [index, key] of before.entries()) {
    const name = was[index] ?? ''
    if (!lost.has(key) || current.includes(name)) continue
    const ahead = was.slice(0, index).findLast((each) => current.includes(each))
    const behind = was.slice(index + 1).find((each) => current.includes(each))
    const at =
      ahead !== undefined
        ? current.indexOf(ahead) + 1
        : behind !== undefined
          ? current.indexOf(behind)
          : Math.min(was.length, current.length)
    current.splice(at, 0, name)
    placed.push({ key, position: at + 1 })
  }
  return placed
}

const isRule = ([program = '', , command]: readonly string[]): boolean =>
  (program === 'iptables' || program === 'ip6tables') && command === '-D'

/** A member of a ban set, whose timeout only fail2ban knows: it bans the host again, if it still holds it. */
const isTimed = ([program = '']: readonly string[]): boolean => program === 'ipset' || program === 'nft'

/**
 * Commands that bring bans back which these took away: each rule of INPUT where it stood, everything else in any order.
 * A rule that `before` does not have goes to the top, where portsentry puts its own. Pure.
 */
export const redoCommands = (
  undos: readonly (readonly string[])[],
  before: InputRules,
  now: InputRules,
): string[][] => {
  const rules = (['iptables', 'ip6tables'] as const).flatMap((program) => {
    const words = undos.filter((undo) => isRule(undo) && undo[0] === program).map((undo) => undo.slice(4))
    const [was, is] = [before[program].map(keyOfRule), now[program].map(keyOfRule)]
    const placed = placeRules(was, is, new Set(words.map(keyOf)))
    const unplaced = words.filter((rule) => !was.includes(keyOf(rule)) && !is.includes(keyOf(rule)))
    return [
      ...placed.map(({ key, position }) => [String(position), ...key.split('\0')]),
      ...unplaced.map((rule) => ['1', ...rule]),
    ].map((rule) => [program, '-w', '-I', 'INPUT', ...rule])
  })
  // `ip -4 route del …`, and `/bin/sh PROGRAM del …` of the first version.
  const others = undos
    .filter((undo) => !isRule(undo) && !isTimed(undo))
    .map((undo) => {
      const verb = undo.indexOf('del')
      return undo.map((word, index) => (index === verb ? 'add' : word))
    })
  return [...rules, ...others]
}
