// Completions for bash and zsh from commander's own tree of commands and options.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { rawText } from './raw-text.mjs'

/** @typedef {{ names: string[], value: string | null, text: string, words: readonly string[] }} Option */
/** @typedef {{ name: string, text: string, options: Option[], words: readonly string[] }} Command */
/** @typedef {{ options: Option[], commands: Command[] }} CommandLine */

/**
 * src/commands/program.ts, ready to be called, the texts of its commands, and the codes of problems and checks.
 * @returns {Promise<typeof import('../src/commands/program.ts') & typeof import('../src/commands/help/texts.ts')
 *   & typeof import('../src/problem-codes.ts') & typeof import('../src/verify/check-codes.ts')>}
 */
const importProgram = async () => {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    stdin: {
      contents: ['./program.ts', './help/texts.ts', '../problem-codes.ts', '../verify/check-codes.ts']
        .map((path) => `export * from '${path}'`)
        .join('\n'),
      resolveDir: fileURLToPath(new URL('../src/commands', import.meta.url)),
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    define: { PORTWARD_VERSION: "''", PORTWARD_FAULTS: 'false' },
    plugins: [rawText],
    logLevel: 'warning',
  })
  const module = { exports: /** @type {any} */ ({}) }
  new Function('module', 'require', outputFiles[0]?.text ?? '')(module, createRequire(import.meta.url))
  return module.exports
}

/** The visible commands and options. @returns {Promise<CommandLine>} */
export const readCommandLine = async () => {
  const { createProgram, COMMAND_TEXTS, PROBLEM_CODES, CHECK_CODES } = await importProgram()
  /** @type {Record<string, { summary: string } | undefined>} */
  const texts = COMMAND_TEXTS
  const program = createProgram(process, () => {})
  const help = program.createHelp()
  const optionsOf = (/** @type {import('commander').Command} */ command) =>
    help.visibleOptions(command).map((option) => ({
      names: [option.short, option.long].filter((name) => name !== undefined),
      value: /[<[](.+)[\]>]/.exec(option.flags)?.[1] ?? null,
      text: help.optionDescription(option),
      words: option.argChoices ?? [],
    }))
  const commands = help.visibleCommands(program).map((command) => ({
    name: command.name(),
    text: texts[command.name()]?.summary ?? help.subcommandDescription(command),
    options: command.name() === 'help' ? [] : optionsOf(command),
    words: command.name() === 'explain-problem' ? Object.keys({ ...PROBLEM_CODES, ...CHECK_CODES }) : [],
  }))
  return { options: optionsOf(program), commands }
}

/** What to complete an option's value with. @returns {'files' | 'directories' | 'interfaces' | 'words' | 'any'} */
const kindOf = (/** @type {Option} */ { names, value, words }) => {
  if (words.length > 0) return 'words'
  if (value === 'file') return 'files'
  if (value === 'dir') return 'directories'
  return names.includes('--interface') ? 'interfaces' : 'any'
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
    withValue.map((option) => [option.names.join('|'), BASH[kindOf(option)](option.words.join(' '))]),
  )
  return `# Completion of portward for bash, made from its command line.
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
  .map(({ name, options, words }) => `        ${name}) words+=' ${[names(options), ...words].join(' ')}' ;;`)
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
  const repeated = /may be repeated/.test(option.text) ? '*' : ''
  const value = option.value === null ? '' : `:${option.value}:${ZSH[kindOf(option)](option.words.join(' '))}`
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
# Completion of portward for zsh, made from its command line.
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
    return `        ${command.name}) _arguments $everywhere \\\n${lines === '' ? '' : `${lines}\n`}          '*: :${command.words.length > 0 ? `(${command.words.join(' ')})` : ''}' ;;`
  })
  .join('\n')}
        help) _describe -t commands command commands ;;
      esac ;;
  esac
}
_portward "$@"
`
}
