/** The hidden command that runs inside of the laboratory's namespaces. */
export const LAB_COMMAND = 'lab'
