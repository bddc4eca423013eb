// Completions for bash and zsh from what `portward --help` says, so that they know what the program knows.
import { execFileSync } from 'node:child_process'

/** @typedef {{ names: string[], value: string | null, text: string }} Option */
/** @typedef {{ name: string, text: string, options: Option[] }} Command */
/** @typedef {{ options: Option[], commands: Command[] }} CommandLine */

/** The entries below each heading of commander's help: two blanks, the term, its text, wrapped further right. */
const parseHelp = (/** @type {string} */ help) => {
  /** @type {Map<string, { term: string, text: string }[]>} */
  const sections = new Map()
  /** @type {{ term: string, text: string }[]} */
  let entries = []
  for (const line of help.split('\n')) {
    const [, heading] = /^(\S.*):$/.exec(line) ?? []
    const [, term, text = ''] = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line) ?? []
    if (heading !== undefined) {
      entries = []
      sections.set(heading, entries)
    } else if (term !== undefined) entries.push({ term, text })
    else if (/^ {3,}\S/.test(line)) {
      const last = entries.at(-1)
      if (last) last.text = `${last.text} ${line.trim()}`.trim()
    }
  }
  return (/** @type {string} */ heading) => sections.get(heading) ?? []
}

/** @returns {Option} */
const parseOption = (/** @type {{ term: string, text: string }} */ { term, text }) => ({
  names: term.match(/(?<=^|\s)--?[\w-]+/g) ?? [],
  value: /[<[]([^\]>]+)[\]>]/.exec(term)?.[1] ?? null,
  text,
})

/** Asks a built portward for its commands and options. @returns {CommandLine} */
export const readCommandLine = (/** @type {string} */ bundle) => {
  const help = (/** @type {string[]} */ ...args) =>
    parseHelp(execFileSync(process.execPath, [bundle, ...args, '--help'], { encoding: 'utf8' }))
  const top = help()
  const commands = top('Commands').map(({ term, text }) => ({ name: term.split(' ')[0] ?? '', text }))
  return {
    options: top('Options').map(parseOption),
    commands: commands.map(({ name, text }) => ({
      ...{ name, text },
      options: name === 'help' ? [] : help(name)('Options').map(parseOption),
    })),
  }
}

/** Words for values that the help tells in prose. */
const WORDS = {
  '--method': 'pcap raw',
  '--mode': 'tcp stcp atcp udp sudp audp stealth connect',
}

/** What to offer as an option's value. @returns {{ kind: 'files' | 'directories' | 'interfaces' | 'words' | 'any', words: string }} */
const completionOf = (/** @type {Option} */ { names, value, text }) => {
  const [, choices] = /\(choices: ([^)]*)\)/.exec(text) ?? []
  const known = Object.entries(WORDS).find(([name]) => names.includes(name))?.[1]
  const words = choices === undefined ? (known ?? '') : (choices.match(/[^", ]+/g) ?? []).join(' ')
  if (words !== '') return { kind: 'words', words }
  if (names.includes('--interface')) return { kind: 'interfaces', words }
  return { kind: value === 'file' ? 'files' : value === 'dir' ? 'directories' : 'any', words }
}

const BASH = {
  files: () => 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
  directories: () => 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur")',
  interfaces: () => 'mapfile -t COMPREPLY < <(cd /sys/class/net && compgen -W "any $(echo *)" -- "$cur")',
  words: (/** @type {string} */ words) => `mapfile -t COMPREPLY < <(compgen -W '${words}' -- "$cur")`,
  any: () => ':',
}

/** Text of /usr/share/bash-completion/completions/portward. */
export const bashCompletion = (/** @type {CommandLine} */ { options, commands }) => {
  const names = (/** @type {Option[]} */ list) => list.flatMap((option) => option.names).join(' ')
  const all = [...options, ...commands.flatMap((command) => command.options)]
  const withValue = all.filter(({ value }) => value !== null)
  const values = new Map(
    withValue.map((option) => {
      const { kind, words } = completionOf(option)
      return [option.names.join('|'), BASH[kind](words)]
    }),
  )
  return `# Completion of portward for bash, made from its --help.
_portward() {
    local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' index
    COMPREPLY=()
    # bash takes --option=value apart.
    if [[ $cur == = ]]; then cur=''
    elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
${[...values].map(([option, action]) => `        ${option}) ${action}; return ;;`).join('\n')}
    esac
    for ((index = 1; index < COMP_CWORD; index++)); do
        case \${COMP_WORDS[index]} in
            ${[...values.keys()].join('|')}) [[ \${COMP_WORDS[++index]} != = ]] || ((++index)) ;;
            -*) ;;
            *) command=\${COMP_WORDS[index]}; break ;;
        esac
    done
    local words='${names(options)}'
    case $command in
        '') words+=' ${commands.map(({ name }) => name).join(' ')}' ;;
${commands
  .filter((command) => command.options.length > 0)
  .map((command) => `        ${command.name}) words+=' ${names(command.options)}' ;;`)
  .join('\n')}
        help) words='${commands.map(({ name }) => name).join(' ')}' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _portward portward
`
}

const ZSH = {
  files: () => '_files',
  directories: () => '_files -/',
  interfaces: () => '_net_interfaces',
  words: (/** @type {string} */ words) => `(${words})`,
  any: () => '',
}

const quote = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`

/** One option for zsh's _arguments; a name that others exclude, such as --help, ends the line. */
const zshOption = (/** @type {Option} */ option) => {
  const text = option.text.replace(/[[\]:\\]/g, '\\$&')
  const { kind, words } = completionOf(option)
  const repeated = /may be repeated/.test(option.text) ? '*' : ''
  const value = option.value === null ? '' : `:${option.value}:${ZSH[kind](words)}`
  const last = option.names.includes('--help') || option.names.includes('--version') ? '(- *)' : ''
  return option.names
    .map((name) => quote(`${last}${repeated}${name}${option.value === null ? '' : '='}[${text}]${value}`))
    .join(' ')
}

/** Text of /usr/share/zsh/vendor-completions/_portward. */
export const zshCompletion = (/** @type {CommandLine} */ { options, commands }) => {
  const specs = (/** @type {Option[]} */ list, /** @type {string} */ indent) =>
    list.map((option) => `${indent}${zshOption(option)} \\`).join('\n')
  const known = new Set(options.flatMap(({ names }) => names))
  const own = (/** @type {Command} */ command) =>
    command.options.filter(({ names }) => !names.some((name) => known.has(name)))
  return `#compdef portward
# Completion of portward for zsh, made from its --help.
_portward() {
  local curcontext=$curcontext state line
  local -a commands everywhere
  typeset -A opt_args
  commands=(
${commands.map(({ name, text }) => `    ${quote(`${name}:${text.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  everywhere=(
${options.map((option) => `    ${zshOption(option)}`).join('\n')}
  )
  _arguments -C $everywhere '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${commands
  .filter(({ name }) => name !== 'help')
  .map((command) => {
    const lines = specs(own(command), '          ')
    return `        ${command.name}) _arguments $everywhere \\\n${lines === '' ? '' : `${lines}\n`}          '*: :' ;;`
  })
  .join('\n')}
        help) _describe -t commands command commands ;;
      esac ;;
  esac
}
_portward "$@"
`
}
