import { run } from './commands/run.ts'

/** If the reader of the output or the terminal is closed, an apply must not end half-way: errors are ignored. */
const ignoringErrors = (stream: NodeJS.WriteStream): NodeJS.WriteStream =>
  stream.listeners('error').includes(ignore) ? stream : stream.on('error', ignore)

const ignore = (): void => {}

const { argv, env } = process
run({
  argv: argv.slice(2),
  env,
  // Node makes each stream when it is first asked for, which takes milliseconds.
  get stdin() {
    return process.stdin
  },
  get stdout() {
    return ignoringErrors(process.stdout)
  },
  get stderr() {
    return ignoringErrors(process.stderr)
  },
}).then((code) => {
  process.exitCode = code
  // Otherwise node waits until V8 has optimized code that nobody needs any more. What is not written yet keeps it alive.
  if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit()
})
