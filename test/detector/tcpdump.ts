import { spawnSync } from 'node:child_process'

/** Whether tcpdump is there to be held against. In CI it has to be. */
export const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0

const HINT = 'apt-get install tcpdump'
if (!hasTcpdump && process.env['CI'] === 'true') throw new Error(`tcpdump is missing - ${HINT}`)
if (!hasTcpdump) console.warn(`SKIPPED: the decoder is not held against tcpdump - ${HINT}`)
