"""Prints fail2ban's records of the bans of a jail, one a line, as JSON: address, begin and length in seconds, ordinal, whether it
is the host's latest. Arguments: the database, the jail. fail2ban keeps the latest ban of each host in a table of its own.
"""

import json
import pathlib
import sqlite3
import sys

path, jail = sys.argv[1:]
QUERY = """
SELECT ip, timeofban, CASE WHEN min(bantime) < 0 THEN -1 ELSE max(bantime) END, max(bancount), max(latest) FROM (
    SELECT ip, jail, timeofban, bantime, bancount, 0 AS latest FROM bans
    UNION ALL SELECT ip, jail, timeofban, bantime, bancount, 1 FROM bips
) WHERE jail = ? GROUP BY ip, timeofban"""

try:
    database = sqlite3.connect(pathlib.Path(path).as_uri() + '?mode=ro', uri=True, timeout=20)
    database.text_factory = lambda text: text.decode('latin1')
    for row in database.execute(QUERY, [jail]):
        print(json.dumps(row, default=str))
except sqlite3.Error as error:
    sys.exit(str(error))
