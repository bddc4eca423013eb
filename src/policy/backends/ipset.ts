import {
  type BackendDefinition,
  DIRECTORY,
  KEPT,
  SETS,
  type SetName,
  type Target,
  timeout,
} from './definition.ts'

/** DROP works in the table raw, before all other rules. Targets that answer work in the filter table only. */
const tableOf = (target: Target): 'raw' | 'filter' => (target === 'DROP' ? 'raw' : 'filter')
const hooksOf = (target: Target): readonly string[] =>
  target === 'DROP' ? ['PREROUTING'] : ['INPUT', 'FORWARD']

/** Targets of xtables-addons work for IPv4 only, two of them for TCP only: other packets are dropped. */
const decisions = (set: SetName, target: Target): string[] => {
  const match = `PORTWARD -m set --match-set portward-${set} src`
  if (target === 'DROP' || (set !== 'hosts4' && target !== 'REJECT')) return [`${match} -j DROP`]
  if (target === 'TARPIT' || target === 'DELUDE') return [`${match} -p tcp -j ${target}`, `${match} -j DROP`]
  return [`${match} -j ${target}`]
}

const PROGRAMS = [
  { program: 'iptables', sets: ['hosts4'] },
  { program: 'ip6tables', sets: ['hosts6', 'networks6'] },
] as const

/** The rules that have to be there, as iptables takes them after -C. */
const requiredRules = (sets: readonly SetName[], target: Target): string[] => [
  ...hooksOf(target).map((hook) => `${hook} -j PORTWARD`),
  ...sets.flatMap((set) => decisions(set, target)),
]

/** Whether a line of iptables-save is this rule. It has the words in an order of its own, and the defaults of the target. */
const isRule = (line: string, rule: string): boolean => {
  if (rule.endsWith(' -j PORTWARD')) return line === `-A ${rule}`
  const words = new Set(line.split(' '))
  return rule.split(' ').every((word) => words.has(word))
}

const iptablesFile = (networks: readonly string[], sets: readonly SetName[], target: Target): string =>
  [
    KEPT,
    `*${tableOf(target)}`,
    ':PORTWARD - [0:0]',
    ...networks.map((network) => `-A PORTWARD -s ${network} -j RETURN`),
    ...sets.flatMap((set) => decisions(set, target)).map((rule) => `-A ${rule}`),
    'COMMIT',
    '',
  ].join('\n')

const ipsetFile = `${KEPT}
create portward-hosts4 hash:ip family inet timeout 0 maxelem 1000000
create portward-hosts6 hash:ip family inet6 timeout 0 maxelem 1000000
create portward-networks6 hash:net family inet6 timeout 0 maxelem 1000000
`

/** A shell command for each family; that for IPv6 is run only if the kernel has IPv6. */
const forFamilies = (
  command: (program: string, sets: readonly SetName[]) => readonly string[],
  operator: '; ' | ' && ',
): string[] =>
  PROGRAMS.map(({ program, sets }) => {
    const text = command(program, sets).join(operator)
    return program === 'iptables' ? text : `{ ! test -e /proc/net/if_inet6 || { ${text}; }; }`
  })

/** Commands that succeed if there is nothing to remove. */
const removeRules = (program: string, target: Target): string[] => {
  const table = `${program} -w -t ${tableOf(target)}`
  return [
    ...hooksOf(target).map((hook) => `while ${table} -D ${hook} -j PORTWARD 2>/dev/null; do :; done`),
    `! ${table} -F PORTWARD 2>/dev/null || ${table} -X PORTWARD`,
  ]
}

export const ipset: BackendDefinition = {
  packages: ['iptables', 'ipset'],
  files: ({ ipv4, ipv6 }, target) =>
    new Map([
      [`${DIRECTORY}/rules.ipset`, ipsetFile],
      [`${DIRECTORY}/rules.iptables`, iptablesFile(ipv4, ['hosts4'], target)],
      [`${DIRECTORY}/rules.ip6tables`, iptablesFile(ipv6, ['hosts6', 'networks6'], target)],
    ]),
  rules: `${DIRECTORY}/rules.ipset`,
  script: 'ipset -exist restore',
  add: 'add portward-{set} {element} {timeout}',
  delete: 'del portward-{set} {element}',
  timeout: 'timeout {}',
  flush: SETS.map((set) => `flush portward-${set}`),
  hook: (target) => {
    const [ipv4 = [], ipv6 = []] = PROGRAMS.map(({ program }) => [
      // Declaring the chain again empties it; it is filled again in the same transaction.
      `${program}-restore -w --noflush ${DIRECTORY}/rules.${program}`,
      ...hooksOf(target).map((hook) => {
        const rule = `-w -t ${tableOf(target)} -C ${hook} -j PORTWARD`
        return `${program} ${rule} 2>/dev/null || ${program} ${rule.replace(' -C ', ' -I ')}`
      }),
    ])
    return [...ipv4, 'test -e /proc/net/if_inet6 || exit 0', ...ipv6]
  },
  ban: (family, seconds) => `ipset add portward-hosts${family} $TARGET$${timeout(seconds)}`,
  isInForce: (target, rules) =>
    PROGRAMS.every(({ program, sets }) => {
      const tables = rules[program]
      if (tables === null) return true
      const lines = (tables.get(tableOf(target)) ?? []).filter((line) => line.includes('PORTWARD'))
      return requiredRules(sets, target).every((rule) => lines.some((line) => isRule(line, rule)))
    }),
  // `ipset add` succeeds even if no rule uses the set.
  check: (target) =>
    forFamilies(
      (program, sets) =>
        requiredRules(sets, target).map((rule) => `${program} -w -t ${tableOf(target)} -C ${rule}`),
      ' && ',
    ).join(' && '),
  remove: (target) => [
    ...forFamilies((program) => removeRules(program, target), '; '),
    // Rules for another target may still use them.
    ...SETS.map((set) => `ipset destroy portward-${set} 2>/dev/null || :`),
  ],
}
