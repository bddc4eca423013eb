import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../checkout.ts'

/** The documents with commands that a reader would type. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(checkout, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
]

/** A fenced block. What follows the language in its first line, which readers do not see, says which test runs it. */
export interface Example {
  /** The page and the number of its first line. */
  readonly at: string
  readonly language: string
  /** `tree`, `server`, `by PATH` or `not run: WHY`. */
  readonly mark: string
  readonly text: string
}

const FENCE = /^```(\S*) *(.*)\n([\s\S]*?)^```$/gm

export const readPage = (page: string): string => readFileSync(join(checkout, page), 'utf8')

export const examplesIn = (page: string, text = readPage(page)): Example[] =>
  [...text.matchAll(FENCE)].map(({ index, 1: language = '', 2: mark = '', 3: body = '' }) => ({
    at: `${page}:${text.slice(0, index).split('\n').length}`,
    language,
    mark,
    text: body,
  }))

export interface Command {
  readonly text: string
  /** 0, unless a comment behind it says `exit N`. */
  readonly exit: number
  /** What the page shows of its output, if it does. */
  readonly output?: string
}

const commandOf = (text: string): Command => ({ text, exit: Number(/# exit (\d+)/.exec(text)?.[1] ?? 0) })

/** A block of `sh` has a command a line, one of `console` commands after `$ `, each with its output. */
export const commandsOf = ({ language, text }: Pick<Example, 'language' | 'text'>): Command[] => {
  if (language === 'console')
    return [...text.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)].map(([, command = '', output = '']) => ({
      ...commandOf(command),
      output,
    }))
  return text
    .split(/(?<!\\)\n/)
    .filter((line) => /^[^#]/.test(line))
    .map(commandOf)
}

/** Times and durations, which differ from run to run, as one word each. */
const withoutTimes = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d/g, 'DATE')
    .replaceAll(/\d\d:\d\d(?::\d\d)?(?: [A-Z]{3,5}\b| ?[+-]\d{4}\b)?/g, 'TIME')
    .replaceAll(/\d+(?:\.\d+)? (?:ms|s|min)\b/g, 'DURATION')

/** Whether a page's output is a command's: times do not count, and a line `...` stands for any lines. */
export const isOutput = (shown: string, actual: string): boolean => {
  const lines = withoutTimes(shown)
    .split('\n')
    .map((line) => (line === '...' ? '[^]*' : line.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
  return new RegExp(`^${lines.join('\n').replaceAll('[^]*\n', '[^]*')}$`).test(withoutTimes(actual))
}

/** A page with what its commands really print, where that is not what it shows. */
export const withOutputs = (text: string, outputs: ReadonlyMap<string, string>): string =>
  text.replace(FENCE, (block, language: string, mark: string, body: string) =>
    language !== 'console'
      ? block
      : `\`\`\`${language} ${mark}\n${commandsOf({ language, text: body })
          .map(({ text: command, output = '' }) => {
            const actual = outputs.get(command) ?? output
            return `$ ${command}\n${isOutput(output, actual) ? output : actual}`
          })
          .join('')}\`\`\``,
  )

/** A config.env with the variables of another in place of its own. */
export const withVariables = (config: string, block: string): string => {
  const names = [...block.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
  const kept = config.split('\n').filter((line) => !names.includes(/^(\w+)=/.exec(line)?.[1]))
  return `${kept.join('\n').trimEnd()}\n${block}`
}
