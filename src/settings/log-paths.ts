/** Directories of the system, of devices and writable by all: portsentry must not append to a file there, or truncate it. */
const SYSTEM =
  /^\/(?:bin|boot|dev|etc|home|lib\w*|proc|root|run\/lock|sbin|sys|tmp|usr|var\/(?:lock|mail|spool|tmp))(?:\/|$)/

/** A directory for logs or of portsentry's own stands on the way to the file. */
const DIRECTORY = /\/(?:logs?|portsentry|portward)\//

/** Files in /var/log that others write. portsentry 2.x truncates its history at every start. */
const OTHERS =
  /^\/var\/log\/(?:(?:journal|apt|audit|installer|private|unattended-upgrades)\/|[wb]tmp|lastlog|faillog|syslog|messages|(?:alternatives|auth|boot|cron|daemon|debug|dpkg|fail2ban|kern|mail|ufw|user)(?:\.log)?(?:\.\d+)?$)/

/** Whether a path, written or where links lead, is in the way of the system: `..` leads anywhere. */
export const isSystemPath = (path: string): boolean =>
  SYSTEM.test(path) || OTHERS.test(path) || /\/\.{1,2}(?:\/|$)/.test(path)

/** Says what is wrong with a path that portsentry writes a log to, or null where nothing is. */
export const logPath = (path: string): string | null =>
  !isSystemPath(path) && DIRECTORY.test(path) ? null : `is "${path}", which is not in a directory for logs`

/** The same for what it notes until its next start. */
export const statePath = (path: string): string | null =>
  !isSystemPath(path) && (DIRECTORY.test(path) || /^\/(?:var\/lib|var\/cache|run|var\/run)\//.test(path))
    ? null
    : `is "${path}", which is not in a directory for such a file`
