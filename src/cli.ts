import { run } from './commands/run.ts'

const { argv, env, stdin, stdout, stderr } = process

// If the reader of the output or the terminal has gone, an apply must not end half-way: it goes on.
stdout.on('error', () => {})
stderr.on('error', () => {})

process.exitCode = await run({ argv: argv.slice(2), env, stdin, stdout, stderr })
