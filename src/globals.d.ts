/** package.json's version, put in by the build. */
declare const PORTWARD_VERSION: string

declare module '*?raw' {
  const text: string
  export default text
}
