interface Situation {
  /** Whether it is not the first signal. */
  readonly isAgain: boolean
  /** Whether apt is at work. */
  readonly isApt: boolean
  /** `recording`: all steps are done, and the record of them is being closed. */
  readonly phase: 'working' | 'undoing' | 'recording'
}

/** What an apply does about Ctrl-C. */
export const describeInterrupt = ({ isAgain, isApt, phase }: Situation): string => {
  if (phase === 'undoing') return 'already undoing everything'
  if (phase === 'recording') return 'everything is done: too late to stop; portward rollback undoes it'
  const what = `finishing ${isApt ? 'apt' : 'this step'}, then undoing everything`
  return isAgain ? `already ${what}` : what
}
