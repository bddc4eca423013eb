/** package.json's version, inserted by the build. */
declare const PORTWARD_VERSION: string

/** Whether this build can be made to fail on purpose: true only in the build for the crash tests. */
declare const PORTWARD_FAULTS: boolean

declare module '*?raw' {
  const text: string
  export default text
}
