import { expect } from 'vitest'
import type { Server } from '../harness/server.ts'
import { portward } from '../scenario.ts'
import { listEffects } from './faults.ts'
import { differences, readState, type State } from './state.ts'

/** One generation is kept, so that each apply forgets one. */
export const CONFIG = 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\nKEEP_GENERATIONS=1\n'

const RECORDS = '/var/lib/portward'

/** A server with the states between which it must be found, and the effects that lead from one to the other and back. */
export interface Site {
  readonly server: Server
  readonly original: State
  readonly applied: State
  readonly to: readonly string[]
  readonly back: readonly string[]
}

/** Applies and rolls back, and notes what that does. */
export const survey = async (server: Server): Promise<Site> => {
  const original = await readState(server)
  await server.run(`mkdir -p -m 0700 ${RECORDS} && cp -a ${RECORDS} /srv/records`)
  const to = await listEffects(server, 'apply --yes')
  const applied = await readState(server)
  await portward(server, 'plan', 0)
  const back = await listEffects(server, 'rollback --yes')
  expect(differences(original, await readState(server))).toEqual([])
  return { server, original, applied, to, back }
}

/** A command that does nothing of its own here, after it has brought the server out of the middle. */
export const recover = async (server: Server): Promise<void> => {
  const { stdout, stderr } = await server.run('portward confirm', { allowFailure: true })
  expect(stdout, stderr).toMatch(/^nothing is waiting for confirmation/)
}

/** The records are as they were before the first point: every run has the same effects then. */
export const rewind = async (server: Server): Promise<void> => {
  await server.run(`rm -rf ${RECORDS} && cp -a /srv/records ${RECORDS}`)
}
