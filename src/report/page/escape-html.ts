import { showHidden } from '../../readable.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for an element or a quoted attribute. Names and words of a history come from whoever scanned. */
export const escapeHtml = (text: string): string =>
  showHidden(text).replace(/[&<>"']/g, (char) => ENTITIES[char] as string)
