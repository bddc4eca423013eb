import { shortList } from '../phrases.ts'
import { type Check, checkFor } from './check.ts'
import { judgeAllowlisted, judgeJail } from './judge-effects.ts'
import { judgeCommands, judgeCutOff, judgeKernel, judgeNoticed } from './judge-scans.ts'
import { judgeWrappers } from './judge-wrappers.ts'
import type { LabReport } from './lab/report.ts'
import { type Expectation, hostsOf, type Tried } from './lab-view.ts'

/** The checks for the lab's report. Pure. */
export const judgeLab = (specification: Tried, report: LabReport, expected: Expectation): Check[] => {
  const attackers = hostsOf(specification, report, 'attacker')
  const allowlisted = hostsOf(specification, report, 'allowlisted')
  const logged = hostsOf(specification, report, 'logged')
  const lab = checkFor('lab')
  return [
    report.gaps.length === 0
      ? lab.pass('with its firewall, programs and files; nothing in it reaches the server')
      : lab.warn(
          `not all could be rebuilt there: ${shortList(report.gaps)}`,
          'the following checks were done without these',
        ),
    judgeNoticed(attackers, report, expected),
    judgeCommands(attackers, expected),
    judgeKernel(attackers, expected),
    judgeCutOff(attackers, expected),
    judgeAllowlisted(allowlisted, expected),
    judgeWrappers(
      expected.writesDenied ? logged : attackers,
      allowlisted,
      specification.libwrapDaemons,
      report,
      expected,
    ),
    ...judgeJail(logged, allowlisted, report, expected),
  ]
}
