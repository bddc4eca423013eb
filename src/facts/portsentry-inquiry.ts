import type { Query } from '../system/query.ts'

// What a portsentry 2.x of an untried version accepts, asked without starting it.

export type Answer = 'accepted' | 'refused'

/** By key of portsentry.conf and by option. What is missing got no clear answer. */
export interface Inquiry {
  readonly keys: ReadonlyMap<string, Answer>
  readonly options: ReadonlyMap<string, Answer>
}

/** A key that no portsentry has: it ends each question, so that the daemon always refuses to start. */
const REFUSED = 'PORTWARD_ASKS="1"'

/**
 * A question for each word: a line of portsentry.conf, or an option. Measured with 2.0.7:
 *
 * - It reads its configuration line by line and stops at the first one that it does not accept: "Invalid config file entry at
 *   line N". While it reads, it already opens HISTORY_FILE for writing, which empties it, and BLOCKED_FILE.
 * - So it gets one line and one that it refuses, from a pipe, as user nobody without any capability. It cannot write anything,
 *   and never comes to the point where it would listen.
 * - Options are read in order: with `--version` behind it, an unknown one ends it with 1, a known one with 0.
 */
const SCRIPT = `daemon=$1; shift
ask() { timeout -s KILL 2 "$daemon" "$@" 2>&1; echo "status $?"; }
cd /
for word; do
  echo "= $word"
  case $word in
    --*) ask "$word" --version </dev/null ;;
    *) printf '%s\\n' "$word" '${REFUSED}' | ask -c /dev/stdin ;;
  esac
done`

const AS_NOBODY = [
  'setpriv',
  ...['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs', '--bounding-set=-all'],
]

const answerAboutKey = (key: string, answer: string): Answer | undefined => {
  const line = /^Invalid config file entry at line (\d+)$/m.exec(answer)?.[1]
  if (line === '1') return 'refused'
  // Another message about this key: it knows the key, but the value was not one for it.
  return line === '2' || answer.includes(`entry for ${key}`) ? 'accepted' : undefined
}

const answerAboutOption = (answer: string): Answer | undefined => {
  if (/unrecognized option|unknown argument/i.test(answer)) return 'refused'
  return /^status 0$/m.test(answer) ? 'accepted' : undefined
}

export const parseInquiry = (output: string): Inquiry => {
  const inquiry = { keys: new Map<string, Answer>(), options: new Map<string, Answer>() }
  for (const [, word = '', answer = ''] of output.matchAll(/^= (.*)\n((?:(?!= ).*(?:\n|$))*)/gm)) {
    const isOption = word.startsWith('--')
    const subject = isOption ? word : word.replace(/=.*/s, '')
    const found = isOption ? answerAboutOption(answer) : answerAboutKey(subject, answer)
    if (found !== undefined) (isOption ? inquiry.options : inquiry.keys).set(subject, found)
  }
  return inquiry
}

/** `lines`: assignments as in portsentry.conf, of which those to a file name /dev/null. Changes nothing. */
export const inquiryQuery = (
  daemon: string,
  lines: readonly string[],
  options: readonly string[],
): Query<Inquiry> => {
  const words = [
    ...(process.getuid?.() === 0 ? AS_NOBODY : []),
    ...['sh', '-c', SCRIPT, 'sh', daemon, ...lines, ...options],
  ]
  const [program = '', ...args] = words
  return { commands: [{ program, args }], parse: ([result]) => parseInquiry(result?.stdout ?? '') }
}
