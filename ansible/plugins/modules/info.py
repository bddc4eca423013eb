#!/usr/bin/python
# Copyright (c) 2026 the portward authors
# MIT License (see https://spdx.org/licenses/MIT.html)
# SPDX-License-Identifier: MIT

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: info
short_description: Return who is banned on a server, and what runs there
version_added: 0.1.0
description:
  - Runs C(portward bans) and C(portward status) on the target, and returns their documents.
  - Nothing is changed, so check mode makes no difference.
author:
  - the portward authors (!UNKNOWN)
requirements:
  - portward on the target
options:
  gather:
    description:
      - Which documents to return.
    type: list
    elements: str
    choices: [bans, status]
    default: [bans, status]
  executable:
    description:
      - The portward program, by name or path.
    type: str
    default: portward
attributes:
  check_mode:
    description: Nothing is changed in any mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
notes:
  - The module has to run as root, so with C(become) if the connection is not root's. Other users cannot ask fail2ban.
"""

EXAMPLES = r"""
- name: See who is banned
  portward.portward.info:
    gather: [bans]
  register: portward_info

- name: Name those who are banned without an end
  ansible.builtin.debug:
    msg: "{{ portward_info.bans.bans | selectattr('until', 'equalto', 'permanent') | map(attribute='address') }}"
"""

RETURN = r"""
bans:
  description:
    - The document of C(portward bans --json). C(schema/bans.schema.json) of portward says what is in it.
    - The module M(portward.portward.ban) takes it on other servers.
  returned: when I(gather) has C(bans)
  type: dict
  sample:
    version: 3
    host: web-1
    bans:
      - address: 203.0.113.7
        source: portsentry
        from: null
        reason: TCP SYN/Normal scan
        until: "2026-11-30T12:00:00.000Z"
status:
  description: The document of C(portward status --json).
  returned: when I(gather) has C(status)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.portward.portward.plugins.module_utils.document import ask, failure_of, find_portward

# status has a document with every exit code: 1 if no plan can be made, 78 if config.env is wrong.
COMPLETE = {"bans": "bans", "status": "health"}


def main():
    module = AnsibleModule(
        argument_spec=dict(
            gather=dict(type="list", elements="str", choices=["bans", "status"], default=["bans", "status"]),
            executable=dict(type="str", default="portward"),
        ),
        supports_check_mode=True,
    )
    executable = find_portward(module)
    if executable is None:
        module.fail_json(msg=f"{module.params['executable']} is not installed here")
    result = {}
    for command in module.params["gather"]:
        code, document, stderr = ask(module, executable, [command])
        if COMPLETE[command] not in document:
            module.fail_json(msg=failure_of(document, code, stderr), rc=code, stderr=stderr)
        result[command] = document
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
