# Copyright (c) 2026 the portward authors
# MIT License (see https://spdx.org/licenses/MIT.html)
# SPDX-License-Identifier: MIT

"""What the modules have in common: running portward, and reading the JSON document that it prints."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

DOCUMENT_VERSION = 3


def find_portward(module):
    """The path of the program; None if it is not installed."""
    return module.get_bin_path(module.params["executable"], opt_dirs=["/usr/local/bin"])


def render_problem(problem):
    location = problem["path"] + (f":{problem['line']}" if "line" in problem else "")
    return f"{location}: {problem['message']} - {problem['hint']}"


def failure_of(document, code, stderr):
    """Why portward failed, by its messages."""
    error = document.get("error")
    if error:
        return f"{error['message']} - {error['hint']}"
    errors = [render_problem(it) for it in document.get("problems", []) if it["severity"] == "error"]
    return "; ".join(errors) or stderr.strip() or f"portward ended with {code} and did not say why"


def parse_document(module, stdout):
    """portward's JSON document; {} if it ended without one, as for wrong usage. Fails if it has another version."""
    try:
        document = json.loads(stdout)
    except ValueError:
        return {}
    version = document.get("version")
    if version != DOCUMENT_VERSION:
        module.fail_json(msg=f"portward's JSON has version {version}, not {DOCUMENT_VERSION}")
    return document


def ask(module, executable, args, data=None):
    """Runs portward with --json; returns its exit code, its document and its stderr."""
    code, stdout, stderr = module.run_command([executable, *args, "--json"], data=data)
    return code, parse_document(module, stdout), stderr
