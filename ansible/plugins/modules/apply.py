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
  - What portward reports is given back as data, and its diff as Ansible's.
author:
  - the portward authors (!UNKNOWN)
requirements:
  - portward on the target
options:
  config:
    description:
      - The config.env to follow, on the target.
      - Without it, C(/root/config.env), below I(root) where that is given.
    type: path
  variables:
    description:
      - What is to stand in I(config), as a dictionary of its variables. Without it, the file is taken as it is.
      - The file is written, with mode 0600, only when portward has succeeded with it. Where portward fails, both
        the file and the server stay as they were.
      - A value that is quoted in a way that only one of its readers understands is refused, so a value cannot
        have a single quote or a line break. portward itself judges names and values.
    type: dict
  root:
    description:
      - Work on the files of this tree, an image or a chroot, instead of the running target.
    type: path
    default: /
  allow_lockout:
    description:
      - Go on though an SSH session on the target comes from an address that is not protected from being banned.
        The controller's own is one of them, unless C(WHITELIST) has it.
    type: bool
    default: false
  confirm_within:
    description:
      - Roll back unless C(portward confirm) is run on the target within this time, such as C(5m).
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
  - The module has to run as root, so with C(become) where the connection is not root's.
  - Where portward is not installed yet, check mode says that something would change, but cannot say what.
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
  sample: 1
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
  description: What portward has to complain about. Warnings are shown as Ansible's, too.
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
      description: The line of the file, where it is about one.
      type: int
checks:
  description: The table of C(portward verify), with which an apply ends. Empty where nothing was applied.
  returned: when portward answered
  type: list
  elements: dict
  contains:
    code:
      description: Stable name of the check.
      type: str
    title:
      description: What was asked.
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

import json
import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_text

DOCUMENT_VERSION = 1
IN_SYNC, PENDING = 0, 2


def quote(name, value):
    """The value as config.env takes it; ValueError where no quoting is read alike by a shell and portward."""
    text = to_text(value)
    if re.search(r"['\r\n]", text):
        raise ValueError("the value of %s has a single quote or a line break, which config.env cannot hold" % name)
    return "'%s'" % text


def render_config(variables):
    """The text of a config.env. Sorted, so that the order in which Ansible merged dictionaries does not matter."""
    for name, value in variables.items():
        if not re.match(r"[A-Za-z_][A-Za-z0-9_]*\Z", to_text(name)):
            raise ValueError("%s is no name of a variable" % name)
        if value is None or isinstance(value, (bool, dict, list)):
            raise ValueError("the value of %s is neither a text nor a number: put it in quotes" % name)
    lines = ["%s=%s" % (name, quote(name, variables[name])) for name in sorted(variables)]
    return "\n".join(["# Written by Ansible: changes made here are lost."] + lines) + "\n"


def read_text(path):
    """The text of a file, or None where there is none."""
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return to_text(file.read(), errors="surrogate_or_replace")


def decode(quoted):
    """Text that quotes files, a character a byte, for showing: as UTF-8 where it is that, line by line."""

    def decode_line(line):
        try:
            return line.encode("latin-1").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            return line

    lines = "\n".join(decode_line(line) for line in quoted.split("\n"))
    # Control characters would be commands to the terminal: they could hide a line.
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda match: show_control(ord(match.group())), lines)


def show_control(code):
    return "^" + chr(code ^ 0x40) if code < 0x80 else "<%x>" % code


def describe(step):
    """A step that changes no file, in words."""
    packages = ["%s %s" % (package["name"], package["version"]) for package in step.get("packages", [])]
    what = [step[key] for key in ("path", "unit", "address") if key in step]
    what += step.get("selections", []) + packages + step.get("units", [])
    why = ", ".join(step.get("reasons", []))
    return "%s %s%s\n" % (step["kind"], ", ".join(what), ": " + why if why else "")


def step_as_diff(step):
    if not step.get("diff"):
        return dict(prepared=decode(describe(step)))
    return dict(before_header=step["path"], after_header=step["path"], prepared=decode(step["diff"]))


def render_problem(problem):
    place = problem["path"] + (":%d" % problem["line"] if "line" in problem else "")
    return "%s: %s - %s" % (place, problem["message"], problem["hint"])


def failure_of(document, code, stderr):
    """Why portward failed, in its own words."""
    error = document.get("error")
    if error:
        return "%s - %s" % (error["message"], error["hint"])
    errors = [render_problem(it) for it in document.get("problems", []) if it["severity"] == "error"]
    return "; ".join(errors) or stderr.strip() or "portward ended with %d and did not say why" % code


def parse_document(stdout):
    """portward's JSON document; {} where it ended without one, as for wrong usage."""
    try:
        return json.loads(stdout)
    except ValueError:
        return {}


def run_portward(module, executable, config, candidate):
    """Runs portward; returns its exit code, its document and what it said besides."""
    params = module.params
    # It finds a tree's own config.env by itself, and follows no link out of the tree then.
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
        # It is the config.env of tomorrow, and is spoken of by that name.
        stdout, stderr = stdout.replace(candidate, config), stderr.replace(candidate, config)
    return code, parse_document(stdout), stderr


def write_candidate(module, text):
    """The wanted config.env, where root alone can see it, until it has proved good."""
    candidate = os.path.join(module.tmpdir, "config.env")
    with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(to_bytes(text))
    return candidate


def install_config(module, candidate, config):
    # A link stays one: its target gets the text.
    target = os.path.realpath(config)
    module.atomic_move(candidate, target)
    os.chmod(target, 0o600)


def report(module, document):
    """What a document says, as the module's result; its warnings become Ansible's."""
    problems = document.get("problems", [])
    for problem in problems:
        if problem["severity"] == "warning":
            module.warn(render_problem(problem))
    for reason in document.get("inexact", []):
        module.warn("the plan is not exact, and apply would refuse: %s" % reason)
    result = dict(version=document["version"], problems=problems, checks=document.get("checks") or [])
    if "steps" in document:
        result["steps"] = document["steps"]
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
    candidate = None
    diff = []
    if params["variables"] is not None:
        try:
            wanted = render_config(params["variables"])
        except ValueError as error:
            module.fail_json(msg="variables: %s" % error)
        found = read_text(config)
        if found != wanted:
            candidate = write_candidate(module, wanted)
            diff.append(dict(before_header=config, after_header=config, before=found or "", after=wanted))

    executable = module.get_bin_path(params["executable"], opt_dirs=["/usr/local/bin"])
    if executable is None and module.check_mode:
        module.warn("portward is not installed here yet: what it would change cannot be told before it is")
        module.exit_json(changed=True, diff=diff)
    if executable is None:
        module.fail_json(msg="%s is not installed here" % params["executable"])

    code, document, stderr = run_portward(module, executable, config, candidate)
    if document and document.get("version") != DOCUMENT_VERSION:
        module.fail_json(msg="portward's JSON has version %s, not %d" % (document.get("version"), DOCUMENT_VERSION))
    result = report(module, document) if document else {}
    succeeded = code in ([IN_SYNC, PENDING] if module.check_mode else [IN_SYNC])
    if not succeeded or "steps" not in document:
        module.fail_json(msg=failure_of(document, code, stderr), rc=code, stderr=stderr, **result)
    if candidate is not None and not module.check_mode:
        install_config(module, candidate, config)
    diff += [step_as_diff(step) for step in document["steps"]]
    changed = candidate is not None or code == PENDING or document.get("applied", False)
    module.exit_json(changed=changed, diff=diff, **result)


if __name__ == "__main__":
    main()
