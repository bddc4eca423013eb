import { run } from './commands/run.ts'

const { argv, env, stdin, stdout, stderr } = process

// If the reader of the output or the terminal is closed, an apply must not end half-way: errors are ignored.
stdout.on('error', () => {})
stderr.on('error', () => {})

process.exitCode = await run({ argv: argv.slice(2), env, stdin, stdout, stderr })
