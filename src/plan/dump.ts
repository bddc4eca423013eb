import type { Jails } from '../policy/jail.ts'

/** One command of `fail2ban-client -d`, such as ['set', 'portsentry', 'bantime', '1d']. */
type Command = readonly string[]

const UNESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** Reads one line of the dump, the printed form of a Python list. Nested lists are flattened; null for other lines. */
const parseDumpLine = (line: string): Command | null => {
  if (!line.startsWith('[')) return null
  const words: string[] = []
  for (const [, single, double, bare] of line.matchAll(
    /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_.+-]+)/g,
  )) {
    const quoted = single ?? double
    words.push(
      quoted === undefined
        ? (bare ?? '')
        : quoted.replace(/\\(.)/g, (match, char: string) => UNESCAPED[char] ?? match),
    )
  }
  return words
}

const valuesOf = (commands: readonly Command[], jail: string, verb: string): string[] =>
  commands
    .filter((words) => words[0] === 'set' && words[1] === jail && words[2] === verb)
    .flatMap((words) => words.slice(3))

/** How each option of a jail appears in the dump; options not listed here appear only in the values of others. */
const SEEN_AS: Readonly<
  Record<string, (commands: readonly Command[], jail: string, value: string) => boolean>
> = {
  enabled: (commands, jail, value) =>
    commands.some((words) => words[0] === 'start' && words[1] === jail) === (value === 'true'),
  backend: (commands, jail, value) =>
    commands.some((words) => words[0] === 'add' && words[1] === jail && words[2] === value),
  // The path may be followed by where reading begins (`head`, `tail`).
  logpath: (commands, jail, value) => {
    const seen = valuesOf(commands, jail, 'addlogpath')
    return value.split(' ').every((word) => seen.includes(word))
  },
  ignoreip: (commands, jail, value) => {
    const seen = valuesOf(commands, jail, 'addignoreip')
    return value.split(' ').every((address) => seen.includes(address))
  },
  banaction: (commands, jail, value) =>
    valuesOf(commands, jail, 'addaction').includes(value.split('[', 1)[0] ?? ''),
  // A line for each, which gets the name that it gives itself.
  action: (commands, jail, value) => {
    const seen = valuesOf(commands, jail, 'addaction')
    const names = value.split('\n').map((line) => /\bactname="?([^",\]]+)/.exec(line)?.[1])
    return names.every((name) => name === undefined || seen.includes(name))
  },
  bantime: (commands, jail, value) => valuesOf(commands, jail, 'bantime').includes(value),
  findtime: (commands, jail, value) => valuesOf(commands, jail, 'findtime').includes(value),
  maxretry: (commands, jail, value) => valuesOf(commands, jail, 'maxretry').includes(value),
}

/** Options that fail2ban's own dump of the configuration does not show as wanted: `jail: option = value`. */
export const missingFromDump = (dump: readonly string[], jails: Jails): string[] => {
  const commands = dump.map(parseDumpLine).filter((command) => command !== null)
  return [...jails].flatMap(([jail, options]) => {
    const isOff = options.get('enabled') === 'false'
    return [...options]
      .filter(([option]) => !isOff || option === 'enabled')
      .filter(([option, value]) => SEEN_AS[option]?.(commands, jail, value) === false)
      .map(([option, value]) => `${jail}: ${option} = ${value}`)
  })
}
