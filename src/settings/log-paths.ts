/** Directories of the system, for devices, or writable by all: portsentry must not append to files there, or truncate them. */
const SYSTEM =
  /^\/(?:bin|boot|dev|etc|home|lib\w*|proc|root|run\/lock|sbin|sys|tmp|usr|var\/(?:lock|mail|spool|tmp))(?:\/|$)/

/** A path with a directory for logs, or one of portsentry or portward. */
const DIRECTORY = /\/(?:logs?|portsentry|portward)\//

/** Files in /var/log that others write. portsentry 2.x truncates its history at every start. */
const OTHERS =
  /^\/var\/log\/(?:(?:journal|apt|audit|installer|private|unattended-upgrades)\/|[wb]tmp|lastlog|faillog|syslog|messages|(?:alternatives|auth|boot|cron|daemon|debug|dpkg|fail2ban|kern|mail|ufw|user)(?:\.log)?(?:\.\d+)?$)/

/** Whether a path, as written or resolved, belongs to the system. `..` is not allowed, as it may lead anywhere. */
export const isSystemPath = (path: string): boolean =>
  SYSTEM.test(path) || OTHERS.test(path) || /\/\.{1,2}(?:\/|$)/.test(path)

/** What is wrong with a path for a log of portsentry, or null. */
export const logPath = (path: string): string | null =>
  !isSystemPath(path) && DIRECTORY.test(path) ? null : `is "${path}", which is not in a directory for logs`

/** The same for a file that portsentry keeps until its next start. */
export const statePath = (path: string): string | null =>
  !isSystemPath(path) && (DIRECTORY.test(path) || /^\/(?:var\/lib|var\/cache|run|var\/run)\//.test(path))
    ? null
    : `is "${path}", which is not in a directory for such a file`
