#!/usr/bin/python
# Copyright (c) 2026 the portward authors
# MIT License (see https://spdx.org/licenses/MIT.html)
# SPDX-License-Identifier: MIT

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: apply
short_description: Make a Debian server ban port scanners
version_added: 0.1.0
description:
  - Runs C(portward apply) on the target, which installs and configures stock portsentry and fail2ban as a
    config.env says, and proves that scanners are banned and the LAN is not.
  - In check mode it runs C(portward plan) instead, which touches nothing.
  - What portward reports is returned as data, and its diff as Ansible's.
author:
  - the portward authors (!UNKNOWN)
requirements:
  - portward on the target
options:
  config:
    description:
      - The path of config.env on the target.
      - Without it, C(/root/config.env), below I(root) where that is given.
    type: path
  variables:
    description:
      - The variables for I(config), as a dictionary. Without it, the file is used as it is.
      - They are written as a block at the beginning of the file, marked as Ansible's. Lines elsewhere that set one of them
        are removed. All other lines are kept, since other scripts may use the file, too. So a variable of portward that is
        set there counts, and a variable that is removed from I(variables) is removed from the block.
      - The file is written, with mode 0600 and owned by the user that the module runs as, only after portward has
        succeeded with it. If portward fails, both the file and the server are left as they were. Its directory has to exist.
      - The diff shows the block and the removed lines, and no other line of the file.
      - A value cannot have a single quote or a line break, since a shell and portward would read any quoting of it
        differently. portward itself checks names and values.
    type: dict
  root:
    description:
      - Work on the files of this tree, an image or a chroot, instead of the running target.
    type: path
    default: /
  allow_lockout:
    description:
      - Continue although an SSH session on the target comes from an address that is not protected from being banned.
        The controller's address is one of them, unless C(WHITELIST) has it.
    type: bool
    default: false
  confirm_within:
    description:
      - Roll back unless C(portward confirm) is run on the target within this time, such as C(5m).
      - Only the server is rolled back. I(config) keeps the new text, and the next run applies it.
    type: str
  executable:
    description:
      - The portward program, by name or path.
    type: str
    default: portward
attributes:
  check_mode:
    description: Runs C(portward plan), which touches nothing.
    support: full
  diff_mode:
    description: Shows what C(portward plan) shows.
    support: full
notes:
  - The module has to run as root, so with C(become) if the connection is not root's.
  - If portward is not installed yet, check mode reports that something would change, but not what.
"""

EXAMPLES = r"""
- name: Ban port scanners, as /root/config.env says
  portward.portward.apply:

- name: Ban port scanners, as these variables say
  portward.portward.apply:
    variables:
      LAN_IP: 192.168.1.10
      LAN_NM: 255.255.255.0
      WHITELIST: 198.51.100.7 2001:db8:17::/64

- name: Apply, and roll back unless the controller can still log in
  portward.portward.apply:
    confirm_within: 5m
  register: applied

- name: Log in anew
  ansible.builtin.meta: reset_connection

- name: Keep what was applied
  ansible.builtin.command: portward confirm
  when: applied is changed
  changed_when: true
"""

RETURN = r"""
version:
  description: Version of portward's JSON document, which the other values are taken from.
  returned: when portward answered
  type: int
  sample: 3
root:
  description: The tree that the plan is for.
  returned: when portward made a plan
  type: str
  sample: /
release:
  description: How the target's portsentry is laid out, C(sysv-1.2), C(template-1.2) or C(native-2).
  returned: when portward made a plan
  type: str
  sample: template-1.2
wrappers:
  description: Programs of the target that use hosts.allow and hosts.deny. Null for a copy of /etc, which does not have them.
  returned: when portward made a plan
  type: list
  elements: str
  sample: [/usr/sbin/sshd]
inSync:
  description: Whether there was nothing to do.
  returned: when portward made a plan
  type: bool
inexact:
  description:
    - Why the steps are incomplete, for example because apt does not know the packages. Shown as warnings, too.
    - C(portward apply) refuses such a plan.
  returned: when portward made a plan
  type: list
  elements: str
summary:
  description: The plan in numbers, C(changes), C(files), C(packages), C(restarts) and C(reloads).
  returned: when portward made a plan
  type: dict
steps:
  description:
    - What was done, or would be in check mode, in order.
    - Where a step quotes files, as in C(diff), each character from U+0000 to U+00FF stands for a byte.
  returned: when portward made a plan
  type: list
  elements: dict
  sample:
    - kind: write
      path: /etc/default/portsentry
      reasons: ['TCP_MODE="atcp"']
      created: false
      diff: "diff --git a/etc/default/portsentry b/etc/default/portsentry\n..."
problems:
  description: The problems that portward reports. Warnings are shown as Ansible's, too.
  returned: when portward answered
  type: list
  elements: dict
  contains:
    severity:
      description: C(error) stops portward, C(warning) does not.
      type: str
    code:
      description: Stable name of the problem.
      type: str
    message:
      description: What is wrong.
      type: str
    hint:
      description: What to do about it.
      type: str
    path:
      description: The file that it is about, or C(environment).
      type: str
    line:
      description: The line of the file, if the problem is about one.
      type: int
checks:
  description:
    - The table of C(portward verify), with which an apply ends. Empty if nothing was applied.
    - What could not be checked is shown as a warning, too.
  returned: when portward answered
  type: list
  elements: dict
  contains:
    code:
      description: Stable name of the check.
      type: str
    title:
      description: What was checked.
      type: str
    result:
      description: C(pass), C(warn), C(fail) or C(skip).
      type: str
    message:
      description: What was found.
      type: str
    hint:
      description: What to do about it.
      type: str
"""

import os
import re
import stat

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible_collections.portward.portward.plugins.module_utils.document import (
    failure_of,
    find_portward,
    parse_document,
    render_problem,
)

IN_SYNC, PENDING = 0, 2
PLAN_KEYS = ("root", "release", "wrappers", "inSync", "inexact", "summary", "steps")

BEGIN = "# BEGIN portward.portward: written by Ansible, changes made in here are lost"
END = "# END portward.portward"
BLOCK = f"^{re.escape(BEGIN)}\n(?:.*\n)*?{re.escape(END)}(?:\n|\\Z)"
# An assignment that continues on the next line is kept: portward refuses a variable that is set twice.
ASSIGNMENT = r"""^[ \t]*(?:export[ \t]+)?(?:%s)=(?:[^'"\n]|'[^'\n]*'|"[^"\n]*")*(?:\n|\Z)"""


def quote(name, value):
    """The value in config.env's quoting; ValueError if a shell and portward would read any quoting of it differently."""
    text = to_text(value)
    if re.search(r"['\r\n]", text):
        raise ValueError(f"the value of {name} has a single quote or a line break, which config.env cannot hold")
    return f"'{text}'"


def render_block(variables):
    """Ansible's part of a config.env. Sorted, so that the order in which Ansible merged dictionaries does not matter."""
    for name, value in variables.items():
        if not re.match(r"[A-Za-z_][A-Za-z0-9_]*\Z", to_text(name)):
            raise ValueError(f"{name} is not the name of a variable")
        if value is None or isinstance(value, (bool, dict, list)):
            raise ValueError(f"the value of {name} is neither a text nor a number: put it in quotes")
    lines = [f"{name}={quote(name, variables[name])}" for name in sorted(variables)]
    return "\n".join([BEGIN, *lines, END]) + "\n"


def place_block(found, block, names):
    """A config.env with the block at its beginning, where later lines can use it, and the text that was replaced."""
    patterns = [BLOCK] + ([ASSIGNMENT % "|".join(sorted(names))] if names else [])
    replaced = []

    def take(match):
        replaced.append(match.group())
        return ""

    others = re.sub("|".join(patterns), take, found, flags=re.MULTILINE)
    return block + others, "".join(replaced)


def read_bytes(path):
    """The bytes of a file, as characters; empty if it does not exist."""
    if not os.path.exists(path):
        return ""
    with open(path, "rb") as file:
        return file.read().decode("latin-1")


def read_access(path):
    """Owner and mode of a file; the wanted ones if it does not exist."""
    if not os.path.exists(path):
        return wanted_access()
    status = os.stat(path)
    return status.st_uid, stat.S_IMODE(status.st_mode)


def wanted_access():
    """Owner and mode that let only this user read the file: it may contain secrets."""
    return os.geteuid(), 0o600


def decode(quoted):
    """Text that quotes files, one character for each byte, for display: each line as UTF-8 if it is valid."""

    def decode_line(line):
        try:
            return line.encode("latin-1").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            return line

    lines = "\n".join(decode_line(line) for line in quoted.split("\n"))
    # A terminal would interpret control characters, which could hide a line.
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda match: show_control(ord(match.group())), lines)


def show_control(code):
    return "^" + chr(code ^ 0x40) if code < 0x80 else f"<{code:x}>"


def describe(step):
    """A step that does not change a file, as text."""
    packages = [f"{package['name']} {package['version']}" for package in step.get("packages", [])]
    what = [step[key] for key in ("path", "unit", "address") if key in step]
    what += step.get("selections", []) + packages + step.get("units", [])
    why = ", ".join(step.get("reasons", []))
    return f"{step['kind']} {', '.join(what)}{': ' + why if why else ''}\n"


def step_as_diff(step):
    if not step.get("diff"):
        return dict(prepared=decode(describe(step)))
    return dict(before_header=step["path"], after_header=step["path"], prepared=decode(step["diff"]))


def run_portward(module, executable, config, candidate):
    """Runs portward; returns its exit code, its document and its stderr."""
    params = module.params
    # Without --config portward uses the tree's config.env, and does not follow links out of the tree.
    followed = candidate or params["config"] or (config if params["root"] == "/" else None)
    args = [executable, "plan" if module.check_mode else "apply", "--json", "--root", params["root"]]
    if followed is not None:
        args += ["--config", followed]
    if not module.check_mode:
        args += ["--yes"]
        args += ["--allow-lockout"] if params["allow_lockout"] else []
        args += ["--confirm-within", params["confirm_within"]] if params["confirm_within"] else []
    code, stdout, stderr = module.run_command(args)
    if candidate is not None:
        # Messages name the config.env that the candidate will replace.
        stdout, stderr = stdout.replace(candidate, config), stderr.replace(candidate, config)
    return code, parse_document(module, stdout), stderr


def write_candidate(module, text):
    """Writes the wanted config.env to a temporary file that only this user can read, until portward has succeeded with it."""
    candidate = os.path.join(module.tmpdir, "config.env")
    with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.encode("latin-1"))
    return candidate


def install_config(module, candidate, target):
    # atomic_move keeps owner and mode of the existing file.
    module.atomic_move(candidate, target)
    owner, mode = wanted_access()
    os.chown(target, owner, -1)
    os.chmod(target, mode)


def report(module, document):
    """The module's result from a document; its warnings become Ansible's."""
    problems = document.get("problems", [])
    for problem in problems:
        if problem["severity"] == "warning":
            module.warn(render_problem(problem))
    for reason in document.get("inexact", []):
        module.warn(f"the plan is not exact, and apply would refuse: {reason}")
    checks = document.get("checks") or []
    for check in checks:
        if check["result"] == "skip":
            module.warn(f"not proved: {check['title']}: {check['message']}")
    result = dict(version=document["version"], problems=problems, checks=checks)
    result.update((key, document[key]) for key in PLAN_KEYS if key in document)
    return result


def main():
    module = AnsibleModule(
        argument_spec=dict(
            config=dict(type="path"),
            variables=dict(type="dict"),
            root=dict(type="path", default="/"),
            allow_lockout=dict(type="bool", default=False),
            confirm_within=dict(type="str"),
            executable=dict(type="str", default="portward"),
        ),
        supports_check_mode=True,
    )
    params = module.params
    config = params["config"] or os.path.join(params["root"], "root/config.env")
    # A link is kept: the text is written to its target.
    target = os.path.realpath(config)
    candidate = None
    diff = []
    if params["variables"] is not None:
        try:
            block = render_block(params["variables"])
        except ValueError as error:
            module.fail_json(msg=f"variables: {error}")
        if not os.path.isdir(os.path.dirname(target)):
            module.fail_json(msg=f"{config} cannot be written: {os.path.dirname(target)} is not a directory")
        found = read_bytes(target)
        wanted, replaced = place_block(found, to_bytes(block).decode("latin-1"), params["variables"])
        # Other lines may contain secrets: only Ansible's are shown.
        shown = dict(before=to_text(replaced.encode("latin-1"), errors="surrogate_or_replace"), after=block)
        if found != wanted:
            diff.append(dict(before_header=config, after_header=config, **shown))
        access = read_access(target)
        if access != wanted_access():
            owner, mode = wanted_access()
            now = f"now owner {access[0]}, mode {access[1]:04o}"
            diff.append(dict(prepared=f"chown, chmod {config}: owner {owner}, mode {mode:04o}; {now}\n"))
        if diff:
            candidate = write_candidate(module, wanted)

    executable = find_portward(module)
    if executable is None and module.check_mode:
        module.warn("portward is not installed here yet: what it would change is not known until then")
        module.exit_json(changed=True, diff=diff)
    if executable is None:
        module.fail_json(msg=f"{params['executable']} is not installed here")

    code, document, stderr = run_portward(module, executable, config, candidate)
    result = report(module, document) if document else {}
    succeeded = code in ([IN_SYNC, PENDING] if module.check_mode else [IN_SYNC])
    if not succeeded or "steps" not in document:
        module.fail_json(msg=failure_of(document, code, stderr), rc=code, stderr=stderr, **result)
    if candidate is not None and not module.check_mode:
        install_config(module, candidate, target)
    diff += [step_as_diff(step) for step in document["steps"]]
    changed = candidate is not None or code == PENDING or document.get("applied", False)
    module.exit_json(changed=changed, diff=diff, **result)


if __name__ == "__main__":
    main()
