let armed = false

/**
 * Ends this process when the test runner is gone. vitest that gets SIGINT or SIGTERM leaves its workers
 * running; a test in the middle of a long command would hold its server for minutes. Everything that the
 * harness started follows the end of this process. (vitest forbids process.exit in a worker.)
 */
export const endWithRunner = (): void => {
  if (armed) return
  armed = true
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}
