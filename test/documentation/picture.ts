import { join } from 'node:path'
import { checkout } from '../checkout.ts'

/** What a terminal showed on a real server, with the escape sequences for colours. */
export const RECORDING = join(checkout, 'fixtures/terminal.ansi')

export const PICTURE = join(checkout, 'docs/terminal.svg')

const withoutColors = (text: string): string => text.replaceAll(/\u001b\[[\d;]*m/g, '')

/** Stands for lines that are left out. */
const CUT = '\u001b[2m...\u001b[0m'

/** The index of the first line from there that is like this. */
const find = (lines: readonly string[], from: number, expected: RegExp): number => {
  const index = lines.findIndex((line, index) => index >= from && expected.test(withoutColors(line)))
  if (index < 0) throw new Error(`the terminal shows no line ${expected}:\n${lines.join('\n')}`)
  return index
}

/** Lines as messages, each with the indented lines that it goes on in. */
const messagesIn = (lines: readonly string[]): string[][] =>
  lines.reduce<string[][]>((messages, line) => {
    const last = messages.at(-1)
    if (last === undefined || !/^ +\S/.test(withoutColors(line))) messages.push([line])
    else last.push(line)
    return messages
  }, [])

/** Of what a terminal showed: the plan by topic, the question, how the apply ended, and the last checks of the verify after it. */
export const excerptOf = (colored: string): string => {
  const lines = colored.split('\n')
  const start = find(lines, 0, /^# portward apply$/)
  const files = find(lines, start, /^[+~] \//)
  const question = find(lines, files, /^✔ /)
  const answer = find(lines, question, / Yes$/)
  const verify = find(lines, answer, /^# portward verify$/)
  const end = find(lines, verify, /^\d+ passed/)
  const steps = messagesIn(lines.slice(answer + 1, verify))
  const checks = messagesIn(lines.slice(verify + 1, end - 1))
  return [
    ...[...lines.slice(start, files - 1), CUT],
    ...[...lines.slice(question, answer + 1), ...steps.slice(0, 2).flat(), CUT],
    ...[...steps.slice(-3).flat(), '', lines[verify], CUT],
    ...[...checks.slice(-5).flat(), ...lines.slice(end - 1, end + 1), ''],
  ].join('\n')
}

/** Without what differs from run to run: times and other numbers, and where lines end because of them. */
const withoutNumbers = (text: string): string =>
  withoutColors(text)
    .replaceAll(/\b\d+(?:\.\d+)? s\b/g, '')
    .replaceAll(/\d[\d.:]*/g, 'N')
    .replaceAll(/\s+/g, ' ')
    .trim()

/** The recording that is to be kept: the earlier one, where only numbers are others. */
export const keptRecording = (earlier: string, now: string): string =>
  withoutNumbers(earlier) === withoutNumbers(now) ? earlier : now
