import { unpackBundle } from '../harness/bundle.ts'
import type { Server } from '../harness/server.ts'

const DIRECTORY = '/usr/local/lib/portward'
export const PROGRAM = `${DIRECTORY}/dist/portward-faults/cli.cjs`
const LOG = '/run/portward-effects'
/** Its proof is not what these tests are about: they look at the server themselves. */
export const UNPROVEN = { PORTWARD_UNPROVEN: '1' }

/** Puts the build that can be made to fail beside the one that can't. */
export const installFaults = (server: Server): Promise<void> =>
  unpackBundle(server, DIRECTORY, 'portward-faults')

export interface Outcome {
  readonly exitCode: number
  readonly output: string
}

/** Runs portward with a fault such as `kill@7`. The exit code is a shell's: 137 for a death by SIGKILL. */
export const runWithFault = async (server: Server, args: string, fault: string): Promise<Outcome> => {
  const { stdout } = await server.run(`node ${PROGRAM} ${args} 2>&1; echo "exit $?"`, {
    env: { ...UNPROVEN, PORTWARD_FAULT: fault },
  })
  const exitCode = Number(/^exit (\d+)$/m.exec(stdout.slice(stdout.lastIndexOf('\nexit ') + 1))?.[1])
  return { exitCode, output: stdout }
}

/** Runs portward without the proof at the end of an apply, and expects success. Returns what it prints. */
export const runUnproven = async (server: Server, args: string): Promise<string> =>
  (await server.run(`node ${PROGRAM} ${args}`, { env: UNPROVEN })).stdout

export const applyUnproven = (server: Server): Promise<string> => runUnproven(server, 'apply --yes')

/** The effects of a run that succeeds, in order: the first one is point 1. */
export const listEffects = async (server: Server, args: string): Promise<string[]> => {
  await server.run(`rm -f ${LOG}; node ${PROGRAM} ${args}`, { env: { ...UNPROVEN, PORTWARD_FAULT_LOG: LOG } })
  return (await server.readText(LOG))
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d+ /, ''))
}
