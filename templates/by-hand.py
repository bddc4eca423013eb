"""Bans hosts by hand. portward's action runs it in fail2ban for `portward ban` and `portward bans`. Kept by portward."""

import json
import time

from fail2ban.server.ticket import FailTicket


def run(action, bans=()):
    """Each ban: an address, seconds from now (-1: permanently; None: as the jail bans), a note. No bans: returns all notes."""
    jail, now = action._jail, int(time.time())
    held = {each.getID(): each for each in jail.actions.banManager}
    for address, seconds, note in bans:
        new = FailTicket(address, now)
        ticket = held.get(new.getID(), new)
        # It may have been banned for longer since portward looked.
        end = ticket.MAX_TIME if seconds is not None and seconds < 0 else now + (seconds or 0)
        if ticket is not new and end <= ticket.getEndOfBanTime(jail.actions.getBanTime()):
            continue
        ticket.setData('portward', note)
        if seconds is not None:
            ticket.setBanTime(seconds if seconds < 0 else int(now + seconds - ticket.getTime()))
        if ticket is not new:
            # fail2ban does not record by itself that a ban lasts longer.
            if jail.database is not None:
                jail.database.addBan(jail, ticket)
            action.prolong(jail.actions._getActionInfo(ticket))
            continue
        # Its earlier bans still count: they make the next one longer.
        for count, *_ in jail.database.getBan(address, jail) if jail.database is not None else ():
            ticket.setBanCount(count)
        jail.putFailTicket(ticket)
    if bans:
        return None  # it would be as long as the list of bans
    notes = ((str(each.getID()), each.getData('portward')) for each in jail.actions.banManager)
    return json.dumps({address: note for address, note in notes if note})
