/** package.json's version, put in by the build. */
declare const PORTWARD_VERSION: string

/** Whether this build can be made to fail on purpose: in that of the crash tests, and in no other. */
declare const PORTWARD_FAULTS: boolean

declare module '*?raw' {
  const text: string
  export default text
}
