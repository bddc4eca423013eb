#!/usr/bin/python
# Copyright (c) 2026 the portward authors
# MIT License (see https://spdx.org/licenses/MIT.html)
# SPDX-License-Identifier: MIT

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: ban
short_description: Ban addresses, or those that other servers have banned
version_added: 0.1.0
description:
  - Runs C(portward ban) on the target. fail2ban makes and keeps the bans, and ends each at its time.
  - A ban that is in force is never shortened. It is prolonged if the wanted end is more than a minute later.
  - An address that the target protects is never banned. In I(addresses) it fails the task, after the others were banned. In
    I(lists) it is a warning, since servers protect different networks.
author:
  - the portward authors (!UNKNOWN)
requirements:
  - portward on the target
options:
  addresses:
    description:
      - IPv4 and IPv6 addresses to ban.
    type: list
    elements: str
  lists:
    description:
      - Documents of C(portward bans --json), as M(portward.portward.info) returns them. Each of their bans is made until its end.
      - Bans that a server has from another one are left out, as are bans that have ended.
    type: list
    elements: dict
  duration:
    description:
      - For how long to ban I(addresses), such as C(12h), C(1d) or C(permanent). Without it, fail2ban's jail decides.
      - It counts from each run, so that a later run prolongs the ban.
    type: str
  reason:
    description:
      - Why I(addresses) are banned, which C(portward bans) shows.
    type: str
  executable:
    description:
      - The portward program, by name or path.
    type: str
    default: portward
attributes:
  check_mode:
    description: Runs C(portward ban --dry-run), which bans nobody.
    support: full
  diff_mode:
    description: Shows the bans that are made.
    support: full
notes:
  - The module has to run as root, so with C(become) if the connection is not root's.
"""

EXAMPLES = r"""
- name: Ban an address for a day
  portward.portward.ban:
    addresses: [203.0.113.7]
    duration: 1d
    reason: abuse

- name: See who is banned on each server
  portward.portward.info:
    gather: [bans]
  register: portward_info

- name: Ban on each server who is banned on the others
  portward.portward.ban:
    lists: "{{ ansible_play_hosts | difference([inventory_hostname]) | map('extract', hostvars, ['portward_info', 'bans']) }}"
"""

RETURN = r"""
addresses:
  description: What became of each address.
  returned: when portward answered
  type: list
  elements: dict
  contains:
    address:
      description: In canonical form.
      type: str
    outcome:
      description: C(banned), C(prolonged), C(held), C(refused), C(expired), C(left-out) or C(failed).
      type: str
    message:
      description: Why, unless the outcome says all.
      type: str
    reason:
      description: What is recorded as the reason.
      type: str
    from:
      description: The server that the ban comes from. Null for I(addresses).
      type: str
    until:
      description: The end of the ban, C(permanent), or null where there is none, or in check mode where the jail decides.
      type: str
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.portward.portward.plugins.module_utils.document import ask, failure_of, find_portward


def run_ban(module, executable, args, data=None):
    """Runs portward ban; returns what became of each address. Fails if it could not decide about them."""
    dry = ["--dry-run"] if module.check_mode else []
    code, document, stderr = ask(module, executable, ["ban", *args, *dry], data)
    if "addresses" not in document:
        module.fail_json(msg=failure_of(document, code, stderr), rc=code, stderr=stderr)
    for note in document["notes"]:
        module.warn(note)
    return document["addresses"]


def describe(ban):
    return f"{ban['address']}: {ban['message'] or ban['outcome']}"


def main():
    module = AnsibleModule(
        argument_spec=dict(
            addresses=dict(type="list", elements="str"),
            lists=dict(type="list", elements="dict"),
            duration=dict(type="str"),
            reason=dict(type="str"),
            executable=dict(type="str", default="portward"),
        ),
        required_one_of=[("addresses", "lists")],
        supports_check_mode=True,
    )
    params = module.params
    executable = find_portward(module)
    if executable is None and module.check_mode:
        module.warn("portward is not installed here yet: which hosts it would ban is not known until then")
        module.exit_json(changed=True)
    if executable is None:
        module.fail_json(msg=f"{params['executable']} is not installed here")

    named, listed = [], []
    if params["addresses"]:
        args = ["--for", params["duration"]] if params["duration"] else []
        args += ["--reason", params["reason"]] if params["reason"] else []
        # By standard input: a command line cannot hold any number of addresses.
        named = run_ban(module, executable, ["--file", "-", *args], "\n".join(params["addresses"]))
    for document in params["lists"] or []:
        listed += run_ban(module, executable, ["--file", "-"], json.dumps(document))

    bans = named + listed
    made = [ban for ban in bans if ban["outcome"] in ("banned", "prolonged")]
    shown = "".join(f"{ban['outcome']} {ban['address']}, until {ban['until'] or 'the jail decides'}\n" for ban in made)
    refused = [ban for ban in named if ban["outcome"] == "refused"]
    failed = refused + [ban for ban in bans if ban["outcome"] == "failed"]
    for ban in listed:
        if ban["outcome"] == "refused":
            module.warn(f"not banned: {describe(ban)}")
    result = dict(changed=bool(made), addresses=bans, diff=dict(prepared=shown) if made else {})
    if failed:
        module.fail_json(msg="not banned: " + "; ".join(describe(ban) for ban in failed), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
