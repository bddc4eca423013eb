/** portsentry's settings. */
export const CONF = '/etc/portsentry/portsentry.conf'
/** fail2ban's jail file that portward keeps. */
export const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
