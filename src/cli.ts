import { run } from './commands/run.ts'

const opened = new Set<NodeJS.WriteStream>()

/** If the reader of the output or the terminal is closed, an apply must not end half-way: errors are ignored. */
const open = (stream: NodeJS.WriteStream): NodeJS.WriteStream => {
  if (!opened.has(stream)) opened.add(stream.on('error', () => {}))
  return stream
}

const { argv, env } = process
run({
  argv: argv.slice(2),
  env,
  // Node makes each stream when it is first asked for, which takes milliseconds.
  get stdin() {
    return process.stdin
  },
  get stdout() {
    return open(process.stdout)
  },
  get stderr() {
    return open(process.stderr)
  },
  showInPager: async (command, text) => (await import('./system/pager.ts')).showInPager(command, text, env),
}).then((code) => {
  process.exitCode = code
  // Otherwise node waits until V8 has optimized code that nobody needs any more. What is not written yet keeps it alive.
  if ([...opened].every(({ writableLength }) => writableLength === 0)) process.exit()
})
